import { type Cid, cidOf, codecs, sameBlock } from "./cid.ts";
import { encodeDagPb } from "./dagPb.ts";
import { encodeUnixFsFile } from "./unixFs.ts";

/** How a file is cut into blocks. */
export type Profile = {
  readonly chunkSize: number;
  /** Links of a node. */
  readonly width: number;
  readonly rawLeaves: boolean;
  /** Of the CIDs in links. */
  readonly version: 0 | 1;
};

/** What `ipfs add` and most services do, the commonest first. */
export const profiles: readonly Profile[] = [
  { chunkSize: 262_144, width: 174, rawLeaves: true, version: 1 },
  { chunkSize: 262_144, width: 174, rawLeaves: false, version: 0 },
  { chunkSize: 262_144, width: 174, rawLeaves: true, version: 0 },
  { chunkSize: 262_144, width: 174, rawLeaves: false, version: 1 },
  { chunkSize: 1_048_576, width: 1_024, rawLeaves: true, version: 1 },
];

export type Block = { readonly cid: Cid; readonly bytes: Uint8Array };

/** A file as blocks, children before parents: the last one is the root. */
type BuiltFile = { readonly root: Cid; readonly blocks: readonly Block[] };

type Part = {
  readonly cid: Cid /** Of the file. */;
  readonly bytes: number /** Of its blocks. */;
  readonly size: number;
};

/** Cuts a file into blocks and joins them into a balanced tree, all leaves at one depth. */
export function buildFile(body: Uint8Array, { chunkSize, width, rawLeaves, version }: Profile): BuiltFile {
  const blocks: Block[] = [];
  const add = (codec: number, bytes: Uint8Array): Cid => {
    const cid = cidOf(codec, bytes);
    blocks.push({ cid, bytes });
    return cid;
  };
  const leaf = (chunk: Uint8Array): Part => {
    const block = rawLeaves ? chunk : encodeDagPb({ links: [], data: encodeUnixFsFile(chunk, []) }, version);
    return { cid: add(rawLeaves ? codecs.raw : codecs.dagPb, block), bytes: chunk.length, size: block.length };
  };
  const join = (parts: readonly Part[]): Part => {
    const links = parts.map(({ cid, size }) => ({ cid, name: "", size }));
    const sizes = parts.map(({ bytes }) => bytes);
    const block = encodeDagPb({ links, data: encodeUnixFsFile(new Uint8Array(), sizes) }, version);
    const sum = (key: "bytes" | "size") => parts.reduce((total, part) => total + part[key], 0);
    return { cid: add(codecs.dagPb, block), bytes: sum("bytes"), size: block.length + sum("size") };
  };
  const chunks = Math.max(1, Math.ceil(body.length / chunkSize));
  let level = Array.from({ length: chunks }, (_, i) => leaf(body.subarray(i * chunkSize, (i + 1) * chunkSize)));
  while (level.length > 1) {
    level = Array.from({ length: Math.ceil(level.length / width) }, (_, i) =>
      join(level.slice(i * width, (i + 1) * width)),
    );
  }
  const [root = leaf(body)] = level;
  return { root: root.cid, blocks };
}

/** The blocks of a file, cut in the way that gives the CID; `undefined` where none of the usual ways does. */
export function matchFile(cid: Cid, body: Uint8Array): BuiltFile | undefined {
  for (const profile of profiles) {
    const built = buildFile(body, profile);
    // Bytes that hash to the digest may be its block, and not the file that the block holds.
    if (built.root.codec === cid.codec && sameBlock(built.root, cid)) return built;
  }
  return undefined;
}
