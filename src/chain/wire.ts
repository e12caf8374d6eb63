import type { Hash, Hex } from "../protocol/brand.ts";
import { unixSeconds } from "../protocol/brand.ts";
import { toBlockNumber } from "../protocol/events.ts";
import type { Head, Receipt } from "./chainPort.ts";
import { quantity } from "./endpoints/answerShapes.ts";
import { type RpcAnswer, type RpcCall, resultOf } from "./jsonRpc.ts";

/** Shapes as nodes send them, and what the daemon makes of them. */

export type WireBlock = {
  readonly number: Hex;
  readonly hash: Hash;
  readonly parentHash: Hash;
  readonly timestamp: Hex;
  readonly baseFeePerGas?: Hex;
  readonly logsBloom?: Hex;
  readonly transactions?: readonly Hash[];
};

export type WireReceipt = {
  readonly transactionHash: Hash;
  readonly blockNumber: Hex;
  readonly blockHash: Hash;
  readonly status: Hex;
  readonly gasUsed: Hex;
  readonly effectiveGasPrice?: Hex;
};

export const toQuantity = (value: bigint): Hex => `0x${value.toString(16)}`;
/** The newest block, where a number stands otherwise. */
export const latest = "latest" as Hex;

/** Asks for a block, without its transactions. @param block Hex quantity or tag. */
export const blockCall = (block: Hex | "latest" | "safe" | "finalized"): RpcCall => ({
  method: "eth_getBlockByNumber",
  params: [block, false],
});

/** The block that was asked for; `null` where the node does not have it. @throws RpcError if the node refused. */
export const blockIn = (answer: RpcAnswer | undefined): WireBlock | null => resultOf(answer) as WireBlock | null;

export const toHead = (block: WireBlock): Head => ({
  number: toBlockNumber(block.number),
  hash: block.hash,
  parentHash: block.parentHash,
  timestamp: unixSeconds(BigInt(block.timestamp)),
  baseFeePerGas: block.baseFeePerGas === undefined ? undefined : BigInt(block.baseFeePerGas),
  logsBloom: block.logsBloom,
});

/**
 * What a node has of a transaction; `undefined`: it is in no block yet, which some say by a receipt without one.
 * @throws TypeError if it is no receipt, or another transaction's.
 */
export function toReceipt(answer: unknown, hash: Hash): Receipt | undefined {
  const receipt = answer as Partial<Record<keyof WireReceipt, unknown>> | null;
  if (receipt === null || receipt.blockNumber === null) return undefined;
  const number = (field: keyof WireReceipt): bigint => {
    const found = quantity(receipt[field]);
    if (found === undefined) throw new TypeError(`its ${field} is no number`);
    return found;
  };
  const hashIn = (field: keyof WireReceipt): Hash => {
    const found = receipt[field];
    if (typeof found !== "string" || !/^0x[0-9a-f]{64}$/i.test(found)) throw new TypeError(`its ${field} is no hash`);
    return found as Hash;
  };
  if (hashIn("transactionHash").toLowerCase() !== hash.toLowerCase())
    throw new TypeError("it is of another transaction");
  return {
    hash,
    blockNumber: toBlockNumber(number("blockNumber")),
    blockHash: hashIn("blockHash"),
    succeeded: number("status") === 1n,
    gasUsed: number("gasUsed"),
    gasPrice: quantity(receipt.effectiveGasPrice),
  };
}
