import { randomUUID } from "node:crypto";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createBlockIndex, sizeOnDisk } from "./blockIndex.ts";
import { type Cid, hashes, matchesCid } from "./cid.ts";

/** Keeps blocks that were verified. Never rejects: a disk that fails costs a fetch. */
export type BlockCache = {
  /** Whether it should have it: it may be gone, or rotten, when it is read. */
  readonly has: (cid: Cid) => Promise<boolean>;
  readonly get: (cid: Cid) => Promise<Uint8Array | undefined>;
  /** @param block Must match the CID. */
  readonly put: (cid: Cid, block: Uint8Array) => Promise<void>;
};

export const noCache: BlockCache = { has: async () => false, get: async () => undefined, put: async () => {} };

type BlockCacheOptions = {
  /** Created if it is missing. Files of other names in it are left alone. */
  readonly dir: string;
  /** Bytes on disk; what was used least lately goes first. */
  readonly maxBytes: number;
  /** Files, whose names are kept in memory: 130 bytes each. @default 262,144 */
  readonly mostBlocks?: number;
};

/**
 * Creates a cache of blocks in a folder, one file a block, named by its SHA-256. A file is complete from the moment it has
 * its name, and is hashed again when it is read: one that is not what its name says is dropped.
 */
export function createBlockCache({ dir, maxBytes, mostBlocks = 2 ** 18 }: BlockCacheOptions): BlockCache {
  const index = createBlockIndex(dir, maxBytes, mostBlocks);

  const has = async (cid: Cid): Promise<boolean> =>
    cid.hash === hashes.sha256 && index.has(nameOf(cid)).catch(() => false);

  const get = async (cid: Cid): Promise<Uint8Array | undefined> => {
    if (cid.hash !== hashes.sha256) return undefined;
    const name = nameOf(cid);
    const bytes = await readAtMost(join(dir, name), maxBytes).catch(() => undefined);
    if (bytes === undefined || matchesCid(cid, bytes) !== true) {
      await index.drop(name);
      return undefined;
    }
    await index.touch(name);
    return bytes;
  };

  const put = async (cid: Cid, block: Uint8Array): Promise<void> => {
    if (cid.hash !== hashes.sha256 || sizeOnDisk(block.length) > maxBytes) return;
    const name = nameOf(cid);
    const temporary = join(dir, `${name}.${randomUUID()}.tmp`);
    try {
      if (await index.has(name)) return;
      await writeFile(temporary, block, { flag: "wx", mode: 0o600 });
      await rename(temporary, join(dir, name));
      await index.add(name, block.length);
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
    }
  };
  return { has, get, put };
}

/** In one piece: of a text that was put together both parts would stay in memory beside the whole, for each block. */
const nameOf = ({ digest }: Cid): string => Buffer.from(`12-${Buffer.from(digest).toString("hex")}`).toString("latin1");

async function readAtMost(file: string, maxBytes: number): Promise<Uint8Array | undefined> {
  await using handle = await open(file);
  return (await handle.stat()).size > maxBytes ? undefined : handle.readFile();
}
