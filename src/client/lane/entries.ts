import { firstValueFrom, timer } from "rxjs";
import type { Clock } from "../../clock.ts";
import { describeError, FatalError } from "../../errors.ts";
import type { Nonce } from "../../protocol/brand.ts";
import { NotMinedError } from "../errors.ts";
import { type LookDeps, look } from "./look.ts";
import type { Entry, Outcome } from "./transaction.ts";

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
  readonly find: (nonce: Nonce) => Entry | undefined;
  /** Looks at what is open, once. An endpoint that does not answer is no error: nothing is lost by it. */
  readonly look: () => Promise<void>;
  /**
   * Waits for what comes of an entry.
   * @param until Clock milliseconds. @throws NotMinedError if nothing has come of it by then.
   */
  readonly outcome: (entry: Entry, confirmations: number, until: number) => Promise<Outcome>;
};

export function createEntries(deps: EntriesDeps): Entries {
  const { clock, pollIntervalMs } = deps;
  const lookDeps: LookDeps = { ...deps, now: clock.now };
  const entries = new Map<Nonce, Entry>();
  let sight: { readonly head: bigint; readonly displaced: ReadonlySet<Entry> } = { head: 0n, displaced: new Set() };
  let looking: Promise<void> | undefined;
  let trouble = "";

  const lookOnce = async (): Promise<void> => {
    const current = [...entries.values()];
    if (current.length === 0) return;
    try {
      const { head, settled, displaced } = await look(lookDeps, current);
      sight = { head, displaced: new Set(displaced) };
      trouble = "";
      for (const entry of [...settled, ...displaced]) entries.delete(entry.nonce);
    } catch (error) {
      // The bytes are out: whatever an endpoint answers, whoever waits must not take it for a failure of what was signed.
      if (error instanceof FatalError) throw error;
      trouble = describeError(error);
    }
  };
  /** Callers that wait share a look. */
  const nextLook = (): Promise<void> => {
    looking ??= firstValueFrom(timer(pollIntervalMs, clock.scheduler))
      .then(lookOnce)
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };

  const outcomeOf = (entry: Entry, confirmations: number): Outcome | undefined => {
    if (sight.displaced.has(entry)) return { type: "displaced" };
    const { mined } = entry;
    if (mined === undefined || sight.head - mined.blockNumber + 1n < BigInt(confirmations)) return undefined;
    if (mined.kind === "cancel" && entry.refusal !== undefined) return { type: "called-off", reason: entry.refusal };
    return mined.succeeded ? { type: "mined", ...mined } : { type: "reverted", hash: mined.hash };
  };

  return {
    add: (entry) => void entries.set(entry.nonce, entry),
    open: () => [...entries.values()],
    find: (nonce) => entries.get(nonce),
    look: lookOnce,
    outcome: async (entry, confirmations, until) => {
      for (;;) {
        await nextLook();
        const outcome = outcomeOf(entry, confirmations);
        if (outcome) return outcome;
        if (clock.now() < until) continue;
        const hash = entry.attempts.at(-1)?.hash ?? "0x";
        const why = entry.answer ?? (trouble || "no block has it");
        throw new NotMinedError(entry.transaction.what, { hash, nonce: entry.nonce }, why);
      }
    },
  };
}
