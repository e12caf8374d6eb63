import { setTimeout as sleep } from "node:timers/promises";
import { type Hex, type TransactionReceipt, TransactionReceiptNotFoundError } from "viem";
import type { Network } from "./network.ts";

/**
 * Waits until a transaction is mined, by asking for its receipt and nothing else. viem's `waitForTransactionReceipt` waits
 * for a new block, and shares its watcher between calls: where blocks come only with transactions, the last of several
 * concurrent callers can miss its block and wait for one that never comes.
 *
 * @param timeout milliseconds.
 * @throws Error if there is no receipt in time.
 */
export async function awaitReceipt(network: Network, hash: Hex, timeout = 120_000): Promise<TransactionReceipt> {
  for (let waited = 0; waited < timeout; waited += 20) {
    const receipt = await network.publicClient.getTransactionReceipt({ hash }).catch((error: unknown) => {
      if (error instanceof TransactionReceiptNotFoundError) return undefined;
      throw error;
    });
    if (receipt) return receipt;
    await sleep(20);
  }
  throw new Error(`the transaction ${hash} was not mined within ${timeout} ms`);
}
