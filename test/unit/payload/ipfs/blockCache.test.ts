import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createBlockCache } from "../../../../src/payload/ipfs/blockCache.ts";
import { cidOf, codecs } from "../../../../src/payload/ipfs/cid.ts";
import { temporaryFolder } from "../../../support/temporaryFolder.ts";

const block = (nth: number, size = 4_000) => {
  const bytes = Buffer.alloc(size, nth);
  return { cid: cidOf(codecs.raw, bytes), bytes };
};
type Block = ReturnType<typeof block>;
const nameOf = ({ cid }: Block) => `12-${Buffer.from(cid.digest).toString("hex")}`;

function open(maxBytes = 1_000_000) {
  const dir = temporaryFolder("blocks-");
  const reopen = (bytes = maxBytes) => createBlockCache({ dir, maxBytes: bytes });
  return { dir, reopen, cache: reopen(), files: () => readdirSync(dir).toSorted() };
}

test("gives back what was put, after a restart too", async () => {
  const { cache, reopen } = open();
  const one = block(1);
  expect(await cache.get(one.cid)).toBeUndefined();
  await cache.put(one.cid, one.bytes);
  expect(await cache.get(one.cid)).toEqual(one.bytes);
  expect(await reopen().get(one.cid)).toEqual(one.bytes);
});

test("a file that was changed, cut or emptied is dropped, and can be put again", async () => {
  const { dir, cache, files } = open();
  const one = block(1);
  const file = join(dir, nameOf(one));
  for (const damage of [Buffer.alloc(4_000, 2), one.bytes.subarray(1), Buffer.alloc(0), Buffer.alloc(2_000_000)]) {
    await cache.put(one.cid, one.bytes);
    expect(readFileSync(file)).toEqual(one.bytes);
    writeFileSync(file, damage);
    expect(await cache.get(one.cid)).toBeUndefined();
    expect(files()).toEqual([]);
  }
});

test("keeps to its size, and lets go of what was used least lately", async () => {
  const { cache, files, reopen, dir } = open(3 * 4_096);
  const [a, b, c, d, e] = [1, 2, 3, 4, 5].map((nth) => block(nth)) as [Block, Block, Block, Block, Block];
  for (const { cid, bytes } of [a, b, c]) await cache.put(cid, bytes);
  await cache.get(a.cid);
  await cache.put(d.cid, d.bytes);
  expect(files()).toEqual([a, c, d].map(nameOf).toSorted());
  for (const [age, each] of [d, a, c].entries()) utimesSync(join(dir, nameOf(each)), 1_000 + age, 1_000 + age);
  await reopen().put(e.cid, e.bytes);
  expect(files()).toEqual([a, c, e].map(nameOf).toSorted());
  await reopen(4_096).put(b.cid, b.bytes);
  expect(files()).toEqual([nameOf(b)]);
});

test("of small blocks keeps no more than it may know by name, also of those that were there before", async () => {
  const { dir, files, cache } = open();
  const [a, b, c, d] = [1, 2, 3, 4].map((nth) => block(nth)) as [Block, Block, Block, Block];
  for (const { cid, bytes } of [a, b, c]) await cache.put(cid, bytes);
  for (const [age, each] of [c, a, b].entries()) utimesSync(join(dir, nameOf(each)), 1_000 + age, 1_000 + age);
  const small = createBlockCache({ dir, maxBytes: 1_000_000, mostBlocks: 2 });
  await small.put(d.cid, d.bytes);
  expect(files()).toEqual([b, d].map(nameOf).toSorted());
});

test("keeps nothing that is larger than itself, and leaves strange files alone", async () => {
  const { cache, dir, files } = open(8_192);
  const large = block(1, 9_000);
  writeFileSync(join(dir, "notes.txt"), "mine");
  writeFileSync(join(dir, `${nameOf(large)}.00000000-0000-0000-0000-000000000000.tmp`), "left over");
  await cache.put(large.cid, large.bytes);
  await cache.put(block(2).cid, block(2).bytes);
  expect(files()).toEqual([nameOf(block(2)), "notes.txt"].toSorted());
});

test("a folder that cannot be had costs nothing but the cache", async () => {
  const { dir } = open();
  writeFileSync(join(dir, "file"), "");
  const cache = createBlockCache({ dir: join(dir, "file", "below"), maxBytes: 1_000_000 });
  const one = block(1);
  await cache.put(one.cid, one.bytes);
  expect(await cache.get(one.cid)).toBeUndefined();
});

test("many at once do not disturb each other", async () => {
  const { cache, files } = open(10 * 4_096);
  const blocks = Array.from({ length: 40 }, (_, nth) => block(nth % 20));
  await Promise.all(blocks.map(({ cid, bytes }) => cache.put(cid, bytes)));
  expect(files().length).toBeLessThanOrEqual(10);
  expect(files().every((name) => /^12-[0-9a-f]{64}$/.test(name))).toBe(true);
});
