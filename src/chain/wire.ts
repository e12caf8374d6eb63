import type { Hash, Hex } from "../protocol/brand.ts";
import { unixSeconds } from "../protocol/brand.ts";
import type { Head, Receipt } from "./chainPort.ts";

/** Shapes as nodes send them, and what the daemon makes of them. */

export type WireBlock = {
  readonly number: Hex;
  readonly hash: Hash;
  readonly parentHash: Hash;
  readonly timestamp: Hex;
  readonly baseFeePerGas?: Hex;
  readonly logsBloom?: Hex;
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

export const toHead = (block: WireBlock): Head => ({
  number: BigInt(block.number),
  hash: block.hash,
  parentHash: block.parentHash,
  timestamp: unixSeconds(BigInt(block.timestamp)),
  baseFeePerGas: block.baseFeePerGas === undefined ? undefined : BigInt(block.baseFeePerGas),
  logsBloom: block.logsBloom,
});

export const toReceipt = (receipt: WireReceipt): Receipt => ({
  hash: receipt.transactionHash,
  blockNumber: BigInt(receipt.blockNumber),
  blockHash: receipt.blockHash,
  succeeded: BigInt(receipt.status) === 1n,
  gasUsed: BigInt(receipt.gasUsed),
  gasPrice: BigInt(receipt.effectiveGasPrice ?? "0x0"),
});
