import { BehaviorSubject, filter, map, type Observable, take } from "rxjs";
import type { Confirmation } from "../journal/journal.ts";
import type { AnswerClass } from "./nodeErrors.ts";
import { createRefusals, type Refusals } from "./refusals.ts";
import { createReverts, type Reverts } from "./reverts.ts";

/** A confirmation that is signed and not final. */
export type InFlight = Sending & { readonly confirmation: Confirmation };

type Sending = {
  /** Clock milliseconds when this process last sent its bytes; `undefined`: not yet. */
  readonly sentAt: number | undefined;
  /** The newest block that the sink knew of then. */
  readonly sentAtBlock?: bigint | undefined;
  /** What the node said to them. */
  readonly answer?: AnswerClass;
  /** The journal knows that a node took it. */
  readonly isMarked?: boolean;
  /** Since when they may not be sent again, because what they would pay is not what was approved. */
  readonly doomedSince?: number;
  /** Since when its nonce is used, finally, and no endpoint has a receipt of it. */
  readonly displacedSince?: number | undefined;
  /** Since when it is so, and another endpoint than the one that answers has one. */
  readonly shownElsewhereSince?: number | undefined;
  /** What was last said of why they are not sent again, and when. */
  readonly heldBack?: { readonly reason: string; readonly at: number };
};

/** Milliseconds since its bytes were sent; `undefined`: not by this process, or the clock was set back since. */
export const sinceSent = ({ sentAt }: InFlight, now: number): number | undefined =>
  sentAt === undefined || sentAt > now ? undefined : now - sentAt;

/** What the operator is told of once: its nonce would be free but for a ceiling; or but for a key that is not there any more. */
type News = "ceiling" | "no-key";

/** What a key has in flight. A mirror of the journal, for the time that the process runs. */
export type Lane = {
  readonly keep: (confirmation: Confirmation, sending: Sending) => void;
  /** The same for many: who looks at how many are without a receipt hears of all of them at once. */
  readonly keepAll: (confirmations: readonly Confirmation[], sending: Sending) => void;
  /** Adds to what is known of one that is still in flight. */
  readonly note: (id: number, sending: Partial<Sending>) => void;
  readonly release: (id: number) => void;
  /** A confirmation as it stands by now; `undefined` where it is not in flight. */
  readonly find: (id: number) => Confirmation | undefined;
  /** In nonce order. */
  readonly inFlight: () => readonly InFlight[];
  /** How many are without a receipt: now, and whenever that changes. */
  readonly unmined$: Observable<number>;
  readonly unmined: () => number;
  /** Somebody else goes on with all of them: nothing is taken up any more. */
  readonly close: () => void;
  /** Emits once, when fewer than `limit` are without a receipt: how many more there may be. */
  readonly hasRoom$: (limit: number) => Observable<number>;
  /** Whether the operator is still to be told this of one in flight. He is, then: it is news once. */
  readonly isNews: (id: number, what: News) => boolean;
  /** What nodes call hopeless. */
  readonly refusals: Refusals;
  /** What mined ones reverted with. */
  readonly reverts: Reverts;
  /** The newest block that a round has looked at, or that was told of since. */
  readonly newestBlock: () => bigint | undefined;
  readonly sawBlock: (block: bigint) => void;
};

export function createLane(): Lane {
  const entries = new Map<number, InFlight>();
  const unmined$ = new BehaviorSubject(0);
  const told = new Map<number, Set<News>>();
  const refusals = createRefusals();
  let newest: bigint | undefined;
  let isClosed = false;
  const unminedOf = (entry: InFlight | undefined) =>
    Number(entry !== undefined && entry.confirmation.mined === undefined);
  /** Answers by how many more are without a receipt. */
  const set = (id: number, entry: InFlight | undefined): number => {
    const before = unminedOf(entries.get(id));
    if (entry) entries.set(id, entry);
    else entries.delete(id);
    return unminedOf(entry) - before;
  };
  const changed = (by: number) => {
    if (by !== 0) unmined$.next(unmined$.value + by);
  };
  const keepAll: Lane["keepAll"] = (confirmations, sending) => {
    // What was under way when it was closed may come this far.
    if (isClosed) return;
    changed(confirmations.reduce((sum, confirmation) => sum + set(confirmation.id, { ...sending, confirmation }), 0));
  };
  return {
    unmined$,
    unmined: () => unmined$.value,
    close: () => {
      isClosed = true;
      entries.clear();
      changed(-unmined$.value);
      told.clear();
      refusals.clear();
    },
    keep: (confirmation, sending) => keepAll([confirmation], sending),
    keepAll,
    note: (id, sending) => {
      const entry = entries.get(id);
      if (entry) entries.set(id, { ...entry, ...sending });
    },
    release: (id) => {
      changed(set(id, undefined));
      told.delete(id);
      refusals.forget(id);
    },
    find: (id) => entries.get(id)?.confirmation,
    isNews: (id, what) => {
      const known = told.get(id) ?? new Set();
      if (known.has(what)) return false;
      told.set(id, known.add(what));
      return true;
    },
    inFlight: () => [...entries.values()].sort((a, b) => (a.confirmation.nonce ?? 0) - (b.confirmation.nonce ?? 0)),
    hasRoom$: (limit) =>
      unmined$.pipe(
        filter((unmined) => unmined < limit),
        take(1),
        map((unmined) => limit - unmined),
      ),
    refusals,
    reverts: createReverts(),
    newestBlock: () => newest,
    sawBlock: (block) => {
      newest = block;
    },
  };
}
