import { keccak256 } from "viem";
import type { Hex } from "../../src/protocol/brand.ts";
import type { RpcLog } from "../../src/protocol/events.ts";

const masks = new Map<Hex, bigint>();

/** The three bits that an address or a topic sets. */
function maskOf(value: Hex): bigint {
  const known = masks.get(value);
  if (known !== undefined) return known;
  const hash = keccak256(value, "bytes");
  let mask = 0n;
  for (const at of [0, 2, 4]) mask |= 1n << BigInt((((hash[at] ?? 0) << 8) | (hash[at + 1] ?? 0)) & 2047);
  masks.set(value, mask);
  return mask;
}

/** The `logsBloom` of a block with these logs, as the yellow paper has it. */
export function bloomOf(logs: readonly RpcLog[]): Hex {
  let bloom = 0n;
  for (const { address, topics } of logs) {
    bloom |= maskOf(address.toLowerCase() as Hex);
    for (const topic of topics) bloom |= maskOf(topic);
  }
  return `0x${bloom.toString(16).padStart(512, "0")}`;
}
