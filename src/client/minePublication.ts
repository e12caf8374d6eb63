import type { Log } from "viem";
import { describeError, RetryableError } from "../errors.ts";
import type { ClientContext } from "./context.ts";
import { AddressUnknownError } from "./errors.ts";
import { defaultTimeoutMs } from "./lane/conclude.ts";
import type { Lane } from "./lane/createLane.ts";
import type { Transaction } from "./lane/transaction.ts";
import { logsOf } from "./published.ts";
import type { Address, MinedTransaction, WriteOptions } from "./types.ts";

export type Publication = MinedTransaction & { readonly address: Address };

/**
 * Has a publication mined, and finds the address of what it published.
 *
 * Once it is mined no answer of an endpoint is a reason to publish it again. Where one lacks the receipt, or has it of another branch,
 * the lane looks again, too: the block may be taken back, and another attempt, with another hash, be the one that is mined.
 * @param address Finds it in the logs. @param options `timeoutMs`: also how long an endpoint may lack the receipt.
 * @throws as `Lane.mine`; AddressUnknownError if no endpoint has the receipt by then.
 */
export async function minePublication(
  context: ClientContext,
  lane: Lane,
  transaction: Transaction,
  address: (receipt: { readonly logs: readonly Log[] }) => Address,
  options: WriteOptions,
): Promise<Publication> {
  let mined = await lane.mine(transaction, options);
  const { clock } = context;
  const unknown = (why: unknown) => new AddressUnknownError(transaction.what, mined, describeError(why), why);
  for (const until = clock.now() + (options.timeoutMs ?? defaultTimeoutMs); ; ) {
    const receipt = await receiptOf(context, mined).catch((error: Error) => error);
    if (!(receipt instanceof Error)) {
      try {
        return { ...mined, address: address(receipt) };
      } catch (error) {
        throw unknown(error);
      }
    }
    if (clock.now() >= until) throw unknown(receipt);
    mined = await lane.wait(mined, { ...options, timeoutMs: Math.max(0, until - clock.now()) });
  }
}

/** On another branch the same transaction may have published at another address. */
async function receiptOf(context: ClientContext, { hash, blockHash }: MinedTransaction) {
  const receipt = await logsOf(context, hash);
  if (receipt.blockHash.toLowerCase() === blockHash.toLowerCase()) return receipt;
  throw new RetryableError(
    `of two receipts of ${hash} one is of the block ${blockHash}, and one of ${receipt.blockHash}`,
    {
      code: "ENDPOINTS_DISAGREE",
      remedy: "ask again: one of them stood on another branch",
    },
  );
}
