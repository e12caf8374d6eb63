import type { ChainPort } from "../chain/chainPort.ts";
import { RpcError } from "../chain/jsonRpc.ts";
import { RetryableError } from "../errors.ts";
import type { BlockRef } from "../journal/journal.ts";
import type { Nonce } from "../protocol/brand.ts";
import type { Signer } from "../signer/signerPort.ts";

/**
 * Transactions of the key mined at a block, by a node that stands on that head. `undefined` where it has dropped the state of
 * that block, or stands elsewhere: nothing is displaced then.
 * @throws RetryableError if no node answers.
 */
export async function finalNonceOf(
  { chain, signer }: { readonly chain: ChainPort; readonly signer: Signer },
  block: bigint,
  head: BlockRef,
): Promise<Nonce | undefined> {
  try {
    return await chain.minedNonce(signer.address, block, head);
  } catch (error) {
    if (error instanceof RpcError || isBehind(error)) return undefined;
    throw error;
  }
}

/** The node lacks the block that it was asked about. */
export const isBehind = (error: unknown): boolean => error instanceof RetryableError && error.code === "NODE_BEHIND";
