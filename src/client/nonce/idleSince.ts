import type { ChainPort, Head } from "../../chain/chainPort.ts";
import { RpcError } from "../../chain/jsonRpc.ts";
import type { AccountAddress } from "../../protocol/brand.ts";

/**
 * The block that mined an account's last transaction: since then nothing of it was.
 * @returns `undefined` if there was none yet, or the node has forgotten the state of that time.
 */
export async function idleSince(chain: ChainPort, account: AccountAddress, mined: number): Promise<Head | undefined> {
  if (mined === 0) return undefined;
  const { number: head } = await chain.head();
  /** `undefined`: the node does not know. */
  const reached = async (block: bigint): Promise<boolean | undefined> => {
    try {
      return (await chain.minedNonce(account, block)) >= mined;
    } catch (error) {
      if (error instanceof RpcError) return undefined;
      throw error;
    }
  };
  let [low, high] = [-1n, head];
  for (let back = 1n; ; back *= 4n) {
    const block = head - back;
    if (block < 0n) break;
    const was = await reached(block);
    if (was === undefined) return undefined;
    if (!was) {
      low = block;
      break;
    }
    high = block;
  }
  while (high - low > 1n) {
    const middle = low + (high - low) / 2n;
    const was = await reached(middle);
    if (was === undefined) return undefined;
    if (was) high = middle;
    else low = middle;
  }
  return chain.block(high);
}
