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
  /** Links of a folder's block: more than 2 MiB have room for, with a hash and a name each. */
  folderLinks: 65_536,
  /** Bytes that a CID may hold itself, in the place of a hash: IPFS's own programs take no more. */
  inlineBytes: 128,
} as const;

/** A block that is known to be the one named. Rejects with `PayloadError`, or `Unverifiable`. */
type GetBlock = (cid: Cid) => Promise<Uint8Array>;

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
  const walk = startWalk(getBlock, maxBytes);
  try {
    let cid = root;
    for (const name of path) {
      if (cid.codec === codecs.raw) throw refused(noPath);
      if (cid.codec !== codecs.dagPb) throw new Unverifiable();
      refuseUnfit(cid);
      walk.count(1);
      cid = childOf(await walk.folder(cid), name);
    }
    walk.count(1);
    return Buffer.concat(await contentOf(cid, walk, 0));
  } finally {
    walk.end();
  }
}

/** One reading of a graph. What it costs follows its bytes and its blocks, however often they link to one another. */
type Walk = {
  /** To be called before so many visits: a block of too many links fails once, and not once for each of them. */
  readonly count: (visits: number) => void;
  /** Not kept: a folder is stepped through once, and its names may take a lot. */
  readonly folder: (cid: Cid) => Promise<Decoded>;
  readonly raw: (cid: Cid) => Promise<Uint8Array>;
  readonly node: (cid: Cid) => Promise<Decoded>;
  /** Counts bytes of the file. */
  readonly take: (bytes: Uint8Array) => Uint8Array;
  readonly maxBytes: number;
  /** Nothing is asked for any more. */
  readonly end: () => void;
};

function startWalk(getBlock: GetBlock, maxBytes: number): Walk {
  const gate = createGate(dagLimits.width);
  const sum = { visits: 0, bytesOfBlocks: 0, bytes: 0 };
  let ended = false;
  const get = async (cid: Cid): Promise<Uint8Array> => {
    if (cid.hash === hashes.identity) return cid.digest;
    const block = await gate(async () => {
      if (ended) throw refused("nobody asks for it any more");
      return getBlock(cid);
    });
    sum.bytesOfBlocks += block.length;
    if (sum.bytesOfBlocks > maxBytes + maxBytes / 4 + dagLimits.overheadBytes) {
      throw refused("the IPFS file has too large blocks");
    }
    return block;
  };
  const decode = (maxLinks: number) => async (cid: Cid) => {
    const node = decodeDagPb(await get(cid), maxLinks);
    return { node, file: decodeUnixFs(node.data) };
  };
  return {
    count: (visits) => {
      if (sum.visits + visits > dagLimits.blocks)
        throw refused(`the IPFS file has more than ${dagLimits.blocks} blocks`);
      sum.visits += visits;
    },
    folder: decode(dagLimits.folderLinks),
    raw: once(get),
    node: once(decode(dagLimits.blocks)),
    take: (bytes) => {
      sum.bytes += bytes.length;
      if (sum.bytes > maxBytes) throw new PayloadError({ ...tooLarge(maxBytes), proven: true });
      return bytes;
    },
    maxBytes,
    end: () => {
      ended = true;
    },
  };
}

/** A CID may be as long as its block: one that is too long is refused before anything is made of it. */
function refuseUnfit(cid: Cid): void {
  if (!isVerifiable(cid)) throw new Unverifiable();
  if (cid.hash === hashes.identity && cid.digest.length > dagLimits.inlineBytes) {
    throw refused(`an IPFS link holds more than ${dagLimits.inlineBytes} bytes itself`);
  }
}

/** Fetches and decodes what a CID names once, however often it is linked. */
function once<T>(read: (cid: Cid) => Promise<T>): (cid: Cid) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (cid) => {
    const key = cidText(cid);
    const found = known.get(key) ?? read(cid);
    known.set(key, found);
    return found;
  };
}

type Decoded = { readonly node: DagNode; readonly file: UnixFs };

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
  refuseUnfit(cid);
  if (depth > dagLimits.depth) throw refused(`the IPFS file nests deeper than ${dagLimits.depth}`);
  if (cid.codec === codecs.raw) return [walk.take(await walk.raw(cid))];
  const { node, file } = await walk.node(cid);
  if (file.type === unixFsTypes.directory || file.type === unixFsTypes.shard) {
    throw depth === 0 ? refused("the CID names a folder") : malformed();
  }
  if (file.type === unixFsTypes.symlink) throw new Unverifiable();
  if (file.type !== unixFsTypes.file && file.type !== unixFsTypes.raw) throw malformed();
  if (file.fileSize > walk.maxBytes) throw new PayloadError({ ...tooLarge(walk.maxBytes), proven: true });
  const own = walk.take(file.data);
  walk.count(node.links.length);
  const below = await Promise.all(node.links.map((link) => contentOf(link.cid, walk, depth + 1)));
  return [own, ...below.flat()];
}

const refused = (error: string): PayloadError => new PayloadError({ ...failed(error), proven: true });
