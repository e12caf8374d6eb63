import type { ClientContext } from "./context.ts";
import { signerOf } from "./signerOf.ts";
import type { MinedTransaction, WriteOptions } from "./types.ts";

/**
 * Waits on for a transaction that this client has signed, after a `NotMinedError`. Of one that is final meanwhile it tells, too,
 * whatever its hash became.
 *
 * @param sent The error, or its nonce. @param options `signer`: the one that signed it.
 * @throws as the call that signed it; InputError `NOTHING_IN_FLIGHT` if this client has signed none in that nonce with that key, or
 *   not that one, or a thousand were concluded since.
 * @example
 * const { task } = await client.publishTask(info).catch(async (error) => {
 *   if (!(error instanceof NotMinedError)) throw error;
 *   const { hash } = await client.waitForTransaction(error, { timeoutMs: 600_000 });
 *   return { task: await client.getPublishedTask(hash) };
 * });
 */
export const waitForTransaction = async (
  context: ClientContext,
  sent: { readonly nonce: number; readonly hash?: `0x${string}` },
  options: WriteOptions = {},
): Promise<MinedTransaction> => context.laneOf(signerOf(context, options)).wait(sent, options);
