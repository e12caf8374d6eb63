import { BehaviorSubject, filter, map, type Observable, take } from "rxjs";
import type { Confirmation } from "../journal/journal.ts";
import type { AnswerClass } from "./nodeErrors.ts";

/** A confirmation that is signed and not final. */
export type InFlight = Sending & { readonly confirmation: Confirmation };

export type Sending = {
  /** Clock milliseconds when this process last sent its bytes; `undefined`: not yet. */
  readonly sentAt: number | undefined;
  /** What the node said to them. */
  readonly answer?: AnswerClass;
  /** Since when they may not be sent again, because what they would pay is not what was approved. */
  readonly doomedSince?: number;
};

/** What a key has in flight. A mirror of the journal, for the time that the process runs. */
export type Lane = {
  readonly keep: (confirmation: Confirmation, sending: Sending) => void;
  /** Adds to what is known of one that is still in flight. */
  readonly note: (id: number, sending: Partial<Sending>) => void;
  readonly release: (id: number) => void;
  /** In nonce order. */
  readonly inFlight: () => readonly InFlight[];
  /** Emits once, when fewer than `limit` are without a receipt. */
  readonly hasRoom$: (limit: number) => Observable<void>;
};

export function createLane(): Lane {
  const entries = new Map<number, InFlight>();
  const unmined$ = new BehaviorSubject(0);
  const count = () =>
    unmined$.next([...entries.values()].filter(({ confirmation }) => confirmation.mined === undefined).length);
  return {
    keep: (confirmation, sending) => {
      entries.set(confirmation.id, { ...sending, confirmation });
      count();
    },
    note: (id, sending) => {
      const entry = entries.get(id);
      if (entry) entries.set(id, { ...entry, ...sending });
    },
    release: (id) => {
      entries.delete(id);
      count();
    },
    inFlight: () => [...entries.values()].sort((a, b) => (a.confirmation.nonce ?? 0) - (b.confirmation.nonce ?? 0)),
    hasRoom$: (limit) =>
      unmined$.pipe(
        filter((unmined) => unmined < limit),
        take(1),
        map(() => undefined),
      ),
  };
}
