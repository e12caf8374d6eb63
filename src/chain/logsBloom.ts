import { hexToBytes, keccak256 } from "viem/utils";
import type { Hex } from "../protocol/brand.ts";

/** The three bits of 2048 that a value sets in a block's bloom (yellow paper, 4.3.1), as indices into its bytes. */
function bitsOf(value: Hex): readonly { readonly byte: number; readonly mask: number }[] {
  const hash = hexToBytes(keccak256(value));
  return [0, 2, 4].map((offset) => {
    const bit = (((hash[offset] ?? 0) << 8) | (hash[offset + 1] ?? 0)) & 2047;
    return { byte: 255 - (bit >> 3), mask: 1 << (bit & 7) };
  });
}

/**
 * Makes the question whether a block may hold a log of `address` with one of `topics`, by its bloom: "no" is certain,
 * "yes" is a strong hint. Chains that leave the bloom empty answer "no" for every block, so a "no" proves nothing alone.
 */
export function bloomTest(address: Hex, topics: readonly Hex[]): (logsBloom: Hex | undefined) => boolean {
  const addressBits = bitsOf(address);
  const topicBits = topics.map(bitsOf);
  return (logsBloom) => {
    if (logsBloom === undefined || logsBloom.length !== 514) return false;
    const has = ({ byte, mask }: { byte: number; mask: number }) =>
      (Number.parseInt(logsBloom.slice(2 + 2 * byte, 4 + 2 * byte), 16) & mask) !== 0;
    return addressBits.every(has) && topicBits.some((bits) => bits.every(has));
  };
}
