import { RetryableError } from "../errors.ts";
import { type Nonce, toNonce } from "../protocol/brand.ts";
import type { ChainPort } from "./chainPort.ts";
import { quantity } from "./endpoints/answerShapes.ts";
import { unanswered } from "./endpoints/endpointError.ts";
import { type HttpRpc, type Missing, resultOf } from "./jsonRpc.ts";
import { blockCall, blockIn, toQuantity } from "./wire.ts";

/** What is no count would be signed as a nonce. @throws EndpointError */
export function countIn({ name }: HttpRpc, answer: unknown): Nonce {
  const count = quantity(answer);
  if (count === undefined || count > BigInt(Number.MAX_SAFE_INTEGER))
    throw unanswered(name, "its count of transactions is no number");
  return toNonce(Number(count));
}

/** Reads how many transactions of an account are mined, with the block that the node must have, where that is asked. */
export const minedNonceFrom =
  (rpc: HttpRpc, missing: Missing): ChainPort["minedNonce"] =>
  async (account, at, on) => {
    const count = {
      method: "eth_getTransactionCount",
      params: [account, at === undefined ? "latest" : toQuantity(at)],
    };
    if (on === undefined) return countIn(rpc, await rpc.call(count.method, ...count.params));
    const [block, answer] = await rpc.batch([blockCall(toQuantity(on.number)), count]);
    if (blockIn(block)?.hash !== on.hash) throw missing("the count", on.number);
    return countIn(rpc, resultOf(answer));
  };

/** The same with those that the node holds in its pool. */
export const pendingNonceFrom =
  (rpc: HttpRpc): ChainPort["pendingNonce"] =>
  async (account) =>
    countIn(rpc, await rpc.call("eth_getTransactionCount", account, "pending"));

/** Two nodes that are well stand no further apart than this, in blocks. */
const mostApart = 16n;

/** The same in the node's newest block, whichever that is: one that is a block behind has an opinion, too. */
export const newestMinedNonce =
  (rpc: HttpRpc): ChainPort["minedNonceElsewhere"] =>
  async (account, head) => {
    const [block, count] = await rpc.batch([
      blockCall("latest"),
      { method: "eth_getTransactionCount", params: [account, "latest"] },
    ]);
    const number = BigInt(blockIn(block)?.number ?? 0);
    if (number + mostApart < head || head + mostApart < number) {
      throw new RetryableError(`${rpc.name} stands at block ${number}, and the head is ${head}`, {
        code: "NODE_BEHIND",
      });
    }
    return { mined: countIn(rpc, resultOf(count)), block: number };
  };
