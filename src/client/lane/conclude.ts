import type { Clock } from "../../clock.ts";
import { describeError } from "../../errors.ts";
import { RefusedError, TransactionFailedError } from "../errors.ts";
import type { MinedTransaction, WriteOptions } from "../types.ts";
import type { Entries } from "./entries.ts";
import type { Known } from "./outcome.ts";
import { isRefusal } from "./refusedByNow.ts";

/** What a call came to. @param failure What to throw unless it is signed anew; `why`: what kept it from that. */
export type Conclusion =
  | { readonly type: "mined"; readonly mined: MinedTransaction }
  | { readonly type: "failed"; readonly failure: (why?: unknown) => Error };

/** Milliseconds that a call waits until it is mined. */
export const defaultTimeoutMs = 120_000;

/**
 * Waits for an entry, and says what its call came to.
 *
 * Something was signed, and its gas may be spent: what an endpoint answers meanwhile is never the result of the call.
 * @throws NotMinedError if it is not mined in time, and still may be; why it was called off; TransactionFailedError if it
 *   reverted, and the chain would still refuse it.
 */
export async function conclude(
  entries: Entries,
  entry: Known,
  clock: Pick<Clock, "now">,
  { timeoutMs = defaultTimeoutMs, confirmations = 1 }: WriteOptions,
): Promise<Conclusion> {
  const { transaction, nonce } = entry;
  const outcome = await entries.outcome(entry, confirmations, clock.now() + timeoutMs);
  switch (outcome.type) {
    case "mined": {
      const { hash, blockNumber, blockHash, fee } = outcome;
      return { type: "mined", mined: { hash, nonce, blockNumber, blockHash, fee } };
    }
    case "called-off":
      throw outcome.reason;
    case "reverted": {
      const { hash } = outcome;
      const failure = (why?: unknown) => {
        const reason = why === undefined ? "no reason given" : describeError(why);
        return new TransactionFailedError(transaction.what, { hash, nonce }, reason, why);
      };
      const refused = await transaction.check().catch((error: unknown) => error);
      if (isRefusal(refused)) throw failure(refused);
      return { type: "failed", failure };
    }
    case "displaced":
      return { type: "failed", failure: (why) => (isRefusal(why) ? why : displaced(entry, why)) };
    default:
      return outcome satisfies never;
  }
}

const displaced = ({ transaction, nonce }: Known, cause: unknown) =>
  new RefusedError(`nonce ${nonce} was used by another transaction than ${transaction.what}`, {
    code: "NONCE_TAKEN",
    remedy: "somebody else uses this key: give each program a key of its own, and call again",
    cause,
  });
