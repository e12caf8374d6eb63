import { failed, PayloadError, tooLarge } from "../failure.ts";
import { createGate } from "../gate.ts";
import { type Cid, cidText, codecs, hashes, isVerifiable } from "./cid.ts";
import { type DagNode, decodeDagPb } from "./dagPb.ts";
import { malformed } from "./malformed.ts";
import { decodeUnixFs, type UnixFs, unixFsTypes } from "./unixFs.ts";

/** Bounds on the graph behind one CID. */
export const dagLimits = {
  /** Visits of blocks: one that is linked twice counts twice. */
  blocks: 2_048,
  depth: 16,
  /** Blocks fetched at once. */
  width: 4,
  /** Bytes of blocks beyond those of the file. */
  overheadBytes: 1_048_576,
} as const;

/** A block that is known to be the one named. Rejects with `PayloadError`, or `Unverifiable`. */
export type GetBlock = (cid: Cid) => Promise<Uint8Array>;

/** What a CID names cannot be proven here: an unusual hash or codec, a sharded folder, a gateway that gives no blocks. */
export class Unverifiable extends Error {
  override readonly name = "Unverifiable";
}

/**
 * Reads a file, block by verified block.
 *
 * @param path Names of folders and of the file, below `root`; empty where `root` is the file.
 * @param maxBytes Of the file.
 * @throws PayloadError if it is no file, or larger than what is allowed.
 * @throws Unverifiable if it cannot be told.
 */
export async function readFile(
  root: Cid,
  path: readonly string[],
  getBlock: GetBlock,
  maxBytes: number,
): Promise<Uint8Array> {
  const get = countBlocks(getBlock, maxBytes);
  let cid = root;
  for (const name of path) {
    if (cid.codec === codecs.raw) throw refused(noPath);
    if (cid.codec !== codecs.dagPb) throw new Unverifiable();
    cid = childOf(decode(await get(cid, 0)), name);
  }
  return Buffer.concat(await contentOf(cid, { get, maxBytes, read: { bytes: 0 } }, 0));
}

type Get = (cid: Cid, depth: number) => Promise<Uint8Array>;
type Walk = { readonly get: Get; readonly maxBytes: number; readonly read: { bytes: number } };

function countBlocks(getBlock: GetBlock, maxBytes: number): Get {
  const gate = createGate(dagLimits.width);
  const seen = new Map<string, Promise<Uint8Array>>();
  let visits = 0;
  let bytes = 0;
  const fetch = async (cid: Cid) => {
    const block = await gate(() => getBlock(cid));
    bytes += block.length;
    if (bytes > maxBytes + maxBytes / 4 + dagLimits.overheadBytes) throw refused("the IPFS file has too large blocks");
    return block;
  };
  return async (cid, depth) => {
    if (++visits > dagLimits.blocks) throw refused(`the IPFS file has more than ${dagLimits.blocks} blocks`);
    if (depth > dagLimits.depth) throw refused(`the IPFS file nests deeper than ${dagLimits.depth}`);
    if (cid.hash === hashes.identity) return cid.digest;
    if (!isVerifiable(cid)) throw new Unverifiable();
    const key = cidText(cid);
    const block = seen.get(key) ?? fetch(cid);
    seen.set(key, block);
    return block;
  };
}

type Decoded = { readonly node: DagNode; readonly file: UnixFs };

function decode(block: Uint8Array): Decoded {
  const node = decodeDagPb(block);
  return { node, file: decodeUnixFs(node.data) };
}

const noPath = "the IPFS path does not exist";

function childOf({ node, file }: Decoded, name: string): Cid {
  if (file.type === unixFsTypes.shard || file.type === unixFsTypes.symlink) throw new Unverifiable();
  const [link, second] = file.type === unixFsTypes.directory ? node.links.filter((each) => each.name === name) : [];
  if (second) throw malformed();
  if (!link) throw refused(noPath);
  return link.cid;
}

async function contentOf(cid: Cid, walk: Walk, depth: number): Promise<Uint8Array[]> {
  if (cid.codec !== codecs.raw && cid.codec !== codecs.dagPb) throw new Unverifiable();
  const block = await walk.get(cid, depth);
  if (cid.codec === codecs.raw) return [take(block, walk)];
  const { node, file } = decode(block);
  if (file.type === unixFsTypes.directory || file.type === unixFsTypes.shard) {
    throw depth === 0 ? refused("the CID names a folder") : malformed();
  }
  if (file.type === unixFsTypes.symlink) throw new Unverifiable();
  if (file.type !== unixFsTypes.file && file.type !== unixFsTypes.raw) throw malformed();
  if (file.fileSize > walk.maxBytes) throw new PayloadError({ ...tooLarge(walk.maxBytes), proven: true });
  const own = take(file.data, walk);
  const below = await Promise.all(node.links.map((link) => contentOf(link.cid, walk, depth + 1)));
  return [own, ...below.flat()];
}

function take(bytes: Uint8Array, { read, maxBytes }: Walk): Uint8Array {
  read.bytes += bytes.length;
  if (read.bytes > maxBytes) throw new PayloadError({ ...tooLarge(maxBytes), proven: true });
  return bytes;
}

const refused = (error: string): PayloadError => new PayloadError({ ...failed(error), proven: true });
