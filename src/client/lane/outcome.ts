import type { Attempt, Mined } from "../../journal/journal.ts";
import type { Hash } from "../../protocol/brand.ts";
import type { Entry, Transaction } from "./transaction.ts";

/** What it takes to tell what came of an entry, and nothing that is long: it is kept for a while. */
export type Known = Pick<Entry, "nonce" | "mined" | "fate" | "answer" | "refusal"> & {
  readonly transaction: Pick<Transaction, "what" | "check">;
  readonly attempts: readonly Pick<Attempt, "hash">[];
};

/** What came of an entry. `displaced`: somebody else's transaction was mined in its nonce, finally. */
export type Outcome =
  | ({ readonly type: "mined"; readonly fee: bigint; readonly blockHash: Hash } & Mined)
  | ({ readonly type: "reverted" } & Mined)
  | { readonly type: "called-off"; readonly reason: Error }
  | { readonly type: "displaced" };

/** The part of an entry that outlives it. */
export const known = ({ nonce, mined, fate, answer, refusal, transaction, attempts }: Entry): Known => ({
  ...{ nonce, mined, fate, answer, refusal },
  transaction: { what: transaction.what, check: transaction.check },
  attempts: attempts.map(({ hash }) => ({ hash })),
});

/**
 * What came of an entry; `undefined`: it is to be waited for. Pure.
 *
 * Only a success counts before it is final. What reverted, or was called off, can be taken back with its block, and the call
 * be mined after all: whoever had sent it anew meanwhile would have it twice.
 */
export function outcomeOf(
  { mined, fate, refusal }: Known,
  { head, confirmations }: { readonly head: bigint; readonly confirmations: number },
): Outcome | undefined {
  if (fate === "displaced") return { type: "displaced" };
  if (mined === undefined) return undefined;
  // What is settled stays, whether or not its receipt is read again.
  const upTo = fate === "settled" ? head : mined.readAt;
  if (upTo - mined.blockNumber + 1n < BigInt(confirmations)) return undefined;
  const { hash, blockNumber, blockHash, fee, succeeded, kind } = mined;
  if (kind === "confirm" && succeeded) return { type: "mined", hash, blockNumber, blockHash, fee };
  if (fate !== "settled") return undefined;
  if (kind === "confirm") return { type: "reverted", hash, blockNumber };
  return refusal && { type: "called-off", reason: refusal };
}

/** Why there is no outcome yet, for messages. @param trouble What an endpoint last failed with; empty: it did not. */
export function whyNone({ mined, answer }: Known, confirmations: number, trouble: string): string {
  if (mined === undefined) return answer ?? (trouble || "no block has it");
  const { blockNumber, succeeded, kind } = mined;
  if (kind === "confirm" && succeeded)
    return `block ${blockNumber} has it, and it is to have ${confirmations} confirmations`;
  const what = kind === "confirm" ? "reverted" : "was called off";
  return `it ${what} in block ${blockNumber}, which can still be taken back`;
}
