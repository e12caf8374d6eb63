import { readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../makeFolder.ts";
import { createGate } from "../gate.ts";

/** What the smallest file takes on disk. */
const cluster = 4_096;

export const sizeOnDisk = (bytes: number): number => Math.max(1, Math.ceil(bytes / cluster)) * cluster;

const entryName = /^12-[0-9a-f]{64}$/;
const leftOver = /^12-[0-9a-f]{64}\.[0-9a-f-]{36}\.tmp$/;

/** The names on disk with their sizes, the one that was used least lately first. Read from the folder once. */
export function createBlockIndex(dir: string, maxBytes: number, mostBlocks: number) {
  let loading: Promise<Map<string, number>> | undefined;
  let total = 0;
  const load = async () => {
    makeFolder(dir);
    const names = await readdir(dir);
    await Promise.all(names.filter((name) => leftOver.test(name)).map((name) => rm(join(dir, name), { force: true })));
    const gate = createGate(16);
    const found = await Promise.all(
      names
        .filter((name) => entryName.test(name))
        .map((name) =>
          gate(async () => {
            const { size, mtimeMs } = await stat(join(dir, name));
            return { name, size, mtimeMs };
          }),
        ),
    );
    found.sort((a, b) => a.mtimeMs - b.mtimeMs);
    for (const { size } of found) total += sizeOnDisk(size);
    return new Map(found.map(({ name, size }) => [name, sizeOnDisk(size)]));
  };
  const loaded = () => {
    loading ??= load();
    loading.catch(() => {
      loading = undefined;
    });
    return loading;
  };
  const remove = async (entries: Map<string, number>, name: string) => {
    total -= entries.get(name) ?? 0;
    entries.delete(name);
    await rm(join(dir, name), { force: true });
  };
  return {
    has: async (name: string) => (await loaded()).has(name),
    /** @param bytes Of the file. */
    add: async (name: string, bytes: number) => {
      const entries = await loaded();
      const size = sizeOnDisk(bytes);
      total += size - (entries.get(name) ?? 0);
      entries.delete(name);
      entries.set(name, size);
      for (const oldest of entries.keys()) {
        if (total <= maxBytes && entries.size <= mostBlocks) break;
        await remove(entries, oldest);
      }
    },
    drop: async (name: string) => {
      const entries = await loaded().catch(() => undefined);
      if (entries?.has(name)) await remove(entries, name).catch(() => {});
    },
    touch: async (name: string) => {
      const now = new Date();
      await utimes(join(dir, name), now, now).catch(() => {});
      const entries = await loaded().catch(() => undefined);
      const size = entries?.get(name);
      if (size === undefined) return;
      entries?.delete(name);
      entries?.set(name, size);
    },
  };
}
