import { createHash } from "node:crypto";
import { decodeBase58, decodeMultibase, encodeBase32 } from "./multibase.ts";
import { readVarint, writeVarint } from "./varint.ts";

/** A content identifier: https://github.com/multiformats/cid */
export type Cid = {
  /** What the block holds, by its number in the multicodec table. */
  readonly codec: number;
  /** How it was hashed, by its number in the same table. */
  readonly hash: number;
  readonly digest: Uint8Array;
};

export const codecs = { raw: 0x55, dagPb: 0x70, dagJson: 0x0129, json: 0x0200 } as const;
export const hashes = { identity: 0x00, sha256: 0x12, sha512: 0x13 } as const;

/** Reads a CID as URLs write it; `undefined` where it is none. */
export function parseCid(text: string): Cid | undefined {
  if (!/^[A-Za-z0-9]{8,256}$/.test(text)) return undefined;
  if (/^Qm.{44}$/.test(text)) return readCid(decodeBase58(text) ?? new Uint8Array());
  const bytes = decodeMultibase(text);
  return bytes && bytes[0] === 1 ? readCid(bytes) : undefined;
}

/** Reads a CID as blocks write it: a bare SHA-256 multihash (version 0, always dag-pb) or version 1. */
export function readCid(bytes: Uint8Array): Cid | undefined {
  if (bytes[0] === hashes.sha256) return bytes.length === 34 ? readMultihash(bytes, 0, codecs.dagPb) : undefined;
  const codec = bytes[0] === 1 ? readVarint(bytes, 1) : undefined;
  return codec && readMultihash(bytes, codec[1], codec[0]);
}

function readMultihash(bytes: Uint8Array, start: number, codec: number): Cid | undefined {
  const hash = readVarint(bytes, start);
  const length = hash && readVarint(bytes, hash[1]);
  if (!hash || !length) return undefined;
  const digest = bytes.slice(length[1]);
  const expected = { [hashes.sha256]: 32, [hashes.sha512]: 64 }[hash[0]];
  if (digest.length !== length[0] || (expected !== undefined && digest.length !== expected)) return undefined;
  return { codec, hash: hash[0], digest };
}

/** Its bytes, as a link holds them. Version 0 is only for dag-pb under SHA-256. */
export function cidBytes({ codec, hash, digest }: Cid, version: 0 | 1): Uint8Array {
  const multihash = [...writeVarint(hash), ...writeVarint(digest.length), ...digest];
  return Uint8Array.from(version === 0 ? multihash : [1, ...writeVarint(codec), ...multihash]);
}

/** Version 1 in base32, which names the same block to a gateway as version 0 does. */
export const cidText = (cid: Cid): string => `b${encodeBase32(cidBytes(cid, 1))}`;

/** The CID of a block, by SHA-256. */
export const cidOf = (codec: number, block: Uint8Array): Cid => {
  return { codec, hash: hashes.sha256, digest: createHash("sha256").update(block).digest() };
};

/** Whether a block is the one that a CID names; `undefined` where it was hashed in a way that is not known here. */
export function matchesCid({ hash, digest }: Cid, block: Uint8Array): boolean | undefined {
  switch (hash) {
    case hashes.identity:
      return Buffer.from(block).equals(digest);
    case hashes.sha256:
      return createHash("sha256").update(block).digest().equals(digest);
    case hashes.sha512:
      return createHash("sha512").update(block).digest().equals(digest);
    default:
      return undefined;
  }
}

export const sameBlock = (a: Cid, b: Cid): boolean => a.hash === b.hash && Buffer.from(a.digest).equals(b.digest);

export const isVerifiable = ({ hash }: Cid): boolean =>
  hash === hashes.identity || hash === hashes.sha256 || hash === hashes.sha512;

/** Whether the block itself is the content, whole. */
export const isWholeBlock = ({ codec }: Cid): boolean =>
  codec === codecs.raw || codec === codecs.json || codec === codecs.dagJson;
