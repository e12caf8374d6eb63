import { RetryableError } from "../errors.ts";
import { type Hex, toNonce } from "../protocol/brand.ts";
import type { ChainPort } from "./chainPort.ts";
import { type HttpRpc, resultOf } from "./jsonRpc.ts";
import { toQuantity, type WireBlock } from "./wire.ts";

/** Reads how many transactions of an account are mined, with the block that the node must have, where that is asked. */
export const minedNonceFrom =
  (rpc: HttpRpc, missing: (what: string, block: bigint) => RetryableError): ChainPort["minedNonce"] =>
  async (account, at, on) => {
    const count = {
      method: "eth_getTransactionCount",
      params: [account, at === undefined ? "latest" : toQuantity(at)],
    };
    if (on === undefined) return toNonce(Number(await rpc.call<Hex>(count.method, ...count.params)));
    const [block, answer] = await rpc.batch([
      { method: "eth_getBlockByNumber", params: [toQuantity(on.number), false] },
      count,
    ]);
    if ((resultOf(block) as WireBlock | null)?.hash !== on.hash) throw missing("the count", on.number);
    return toNonce(Number(resultOf(answer)));
  };

/** The same with those that the node holds in its pool. */
export const pendingNonceFrom =
  (rpc: HttpRpc): ChainPort["pendingNonce"] =>
  async (account) =>
    toNonce(Number(await rpc.call<Hex>("eth_getTransactionCount", account, "pending")));

/** Two nodes that are well stand no further apart than this, in blocks. */
const mostApart = 16n;

/** The same in the node's newest block, whichever that is: one that is a block behind has an opinion, too. */
export const newestMinedNonce =
  (rpc: HttpRpc): ChainPort["minedNonceElsewhere"] =>
  async (account, head) => {
    const [block, count] = await rpc.batch([
      { method: "eth_getBlockByNumber", params: ["latest", false] },
      { method: "eth_getTransactionCount", params: [account, "latest"] },
    ]);
    const number = BigInt((resultOf(block) as WireBlock | null)?.number ?? 0);
    if (number + mostApart < head || head + mostApart < number) {
      throw new RetryableError(`${rpc.name} stands at block ${number}, and the head is ${head}`, {
        code: "NODE_BEHIND",
      });
    }
    return { mined: toNonce(Number(resultOf(count))), block: number };
  };
