import { createHash } from "node:crypto";

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
/** CIDv1, codec raw, multihash sha2-256 of 32 bytes. */
const rawSha256 = [0x01, 0x55, 0x12, 0x20];

/** Tells whether a path segment can be a CID at all, so that nothing else reaches a gateway's URL. */
export const looksLikeCid = (text: string): boolean => /^[A-Za-z0-9]{32,128}$/.test(text);

/**
 * The SHA-256 that a CID names: for CIDv1 of a raw block in base32, the form that gateways use for whole small files.
 * `undefined` for any other CID: its bytes are wrapped in a graph that a plain answer does not show.
 */
export function digestOfCid(cid: string): Uint8Array | undefined {
  if (!/^b[a-z2-7]{58}$/.test(cid)) return undefined;
  const bytes = decodeBase32(cid.slice(1));
  return rawSha256.every((byte, index) => bytes[index] === byte) && bytes.length === 36 ? bytes.slice(4) : undefined;
}

/** `undefined` where the CID is of a kind that cannot be verified. */
export function matchesCid(cid: string, body: Uint8Array): boolean | undefined {
  const digest = digestOfCid(cid);
  return digest && createHash("sha256").update(body).digest().equals(digest);
}

/** RFC 4648, lower case, without padding. Bits that are left over are dropped. */
function decodeBase32(text: string): Uint8Array {
  const bytes: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const char of text) {
    buffer = ((buffer << 5) | alphabet.indexOf(char)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((buffer >> bits) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}
