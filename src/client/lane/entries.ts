import { firstValueFrom, timer } from "rxjs";
import type { Clock } from "../../clock.ts";
import { describeError } from "../../errors.ts";
import type { Nonce } from "../../protocol/brand.ts";
import { NotMinedError } from "../errors.ts";
import { type LookDeps, look } from "./look.ts";
import { type Known, known, type Outcome, outcomeOf, whyNone } from "./outcome.ts";
import type { Entry } from "./transaction.ts";

export type EntriesDeps = Omit<LookDeps, "now"> & {
  readonly clock: Clock;
  /** Milliseconds between two looks, while somebody waits. */
  readonly pollIntervalMs: number;
};

/** What one key has signed, and what the chain says of it. */
export type Entries = {
  readonly add: (entry: Entry) => void;
  /** In flight, or mined in a block that can still be taken back; in the order of signing. */
  readonly open: () => readonly Entry[];
  /** The open one in a nonce. */
  readonly holder: (nonce: Nonce) => Entry | undefined;
  /** The open one in a nonce, or what is concluded there: the last thousand are known. */
  readonly find: (nonce: Nonce) => Known | undefined;
  /** Looks at what is open, once. An endpoint that does not answer is no error: nothing is lost by it. */
  readonly look: () => Promise<void>;
  /**
   * Waits for what comes of an entry.
   * @param until Clock milliseconds. @throws NotMinedError if nothing has come of it by then.
   */
  readonly outcome: (entry: Known, confirmations: number, until: number) => Promise<Outcome>;
};

/** Whoever has heard of a time-out asks later, by its nonce, what came of it. */
const mostConcluded = 1_000;

export function createEntries(deps: EntriesDeps): Entries {
  const { chain, clock, pollIntervalMs } = deps;
  const lookDeps: LookDeps = { ...deps, now: clock.now };
  const open = new Map<Nonce, Entry>();
  const concluded = new Map<Nonce, Known>();
  let head = 0n;
  let trouble = "";

  const conclude = (entry: Entry, fate: NonNullable<Entry["fate"]>) => {
    entry.fate = fate;
    open.delete(entry.nonce);
    concluded.set(entry.nonce, known(entry));
    const [oldest] = concluded.keys();
    if (concluded.size > mostConcluded && oldest !== undefined) concluded.delete(oldest);
  };

  const lookOnce = async (): Promise<void> => {
    try {
      if (open.size === 0) {
        // Whoever waits for confirmations of what is final waits for the head alone.
        head = (await chain.head()).number;
      } else {
        const sight = await look(lookDeps, [...open.values()]);
        head = sight.head;
        for (const entry of sight.settled) conclude(entry, "settled");
        for (const entry of sight.displaced) conclude(entry, "displaced");
      }
      trouble = "";
    } catch (error) {
      // The bytes are out: whatever an endpoint answers, whoever waits must not take it for a failure of what was signed.
      trouble = describeError(error);
    }
  };
  /** Two looks at once would both sign a replacement. */
  const shared = shareRunning(lookOnce);
  const nextLook = shareRunning(() => firstValueFrom(timer(pollIntervalMs, clock.scheduler)).then(shared));

  return {
    add: (entry) => void open.set(entry.nonce, entry),
    open: () => [...open.values()],
    holder: (nonce) => open.get(nonce),
    find: (nonce) => open.get(nonce) ?? concluded.get(nonce),
    look: shared,
    outcome: async (entry, confirmations, until) => {
      for (;;) {
        await nextLook();
        const outcome = outcomeOf(entry, { head, confirmations });
        if (outcome) return outcome;
        if (clock.now() < until) continue;
        const { transaction, nonce, mined, attempts } = entry;
        const hash = mined?.hash ?? attempts.at(-1)?.hash ?? "0x";
        throw new NotMinedError(transaction.what, { hash, nonce }, whyNone(entry, confirmations, trouble));
      }
    },
  };
}

/** Whoever comes while it runs gets what it comes to. */
function shareRunning(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= work().finally(() => {
      running = undefined;
    });
    return running;
  };
}
