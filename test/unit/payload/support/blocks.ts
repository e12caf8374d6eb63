import { type Block, buildFile, type Profile, profiles } from "../../../../src/payload/ipfs/buildFile.ts";
import { type Cid, cidOf, cidText, codecs } from "../../../../src/payload/ipfs/cid.ts";
import { type DagNode, encodeDagPb } from "../../../../src/payload/ipfs/dagPb.ts";
import { Unverifiable } from "../../../../src/payload/ipfs/readFile.ts";

/** Blocks in memory, as a node has them. */
export type Blocks = {
  readonly add: (...blocks: readonly Block[]) => Cid;
  readonly addFile: (body: Uint8Array, profile?: Partial<Profile>) => Cid;
  readonly addFolder: (entries: Readonly<Record<string, Cid>>, type?: number) => Cid;
  readonly addNode: (node: DagNode) => Cid;
  readonly get: (cid: Cid) => Promise<Uint8Array>;
  readonly has: (cid: Cid) => boolean;
  /** In the order of the requests, doubles included. */
  readonly asked: string[];
};

export function createBlocks(): Blocks {
  const known = new Map<string, Uint8Array>();
  const asked: string[] = [];
  const keyOf = ({ digest }: Cid) => Buffer.from(digest).toString("hex");
  const blocks: Blocks = {
    asked,
    add: (...some) => {
      for (const { cid, bytes } of some) known.set(keyOf(cid), bytes);
      const last = some.at(-1);
      if (!last) throw new Error("no block");
      return last.cid;
    },
    addFile: (body, profile = {}) => blocks.add(...buildFile(body, { ...usual, ...profile }).blocks),
    addFolder: (entries, type = 1) => {
      const links = Object.entries(entries).map(([name, cid]) => ({ cid, name, size: 0 }));
      return blocks.addNode({ links, data: Uint8Array.of(0x08, type) });
    },
    addNode: (node) => {
      const bytes = encodeDagPb(node, 1);
      return blocks.add({ cid: cidOf(codecs.dagPb, bytes), bytes });
    },
    has: (cid) => known.has(keyOf(cid)),
    get: async (cid) => {
      asked.push(cidText(cid));
      const bytes = known.get(keyOf(cid));
      if (!bytes) throw new Unverifiable();
      return bytes;
    },
  };
  return blocks;
}

const [usual] = profiles as readonly [Profile, ...Profile[]];

/** A file whose every level has three links, so that a short one is deep. */
export const deepProfile: Partial<Profile> = { chunkSize: 4, width: 3 };

/** A file of one UnixFS block, which no plain hash proves. */
export const wrapped: Partial<Profile> = { rawLeaves: false };
