import { keccak_256 } from "@noble/hashes/sha3";
import type { AccountAddress } from "../protocol/brand.ts";

/** @param publicKey Uncompressed: 65 bytes. */
export const addressOf = (publicKey: Uint8Array): AccountAddress =>
  `0x${Buffer.from(keccak_256(publicKey.subarray(1)).subarray(12)).toString("hex")}` as AccountAddress;
