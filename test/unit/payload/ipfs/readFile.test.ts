import fc from "fast-check";
import { expect, test } from "vitest";
import { PayloadError } from "../../../../src/payload/failure.ts";
import { buildFile } from "../../../../src/payload/ipfs/buildFile.ts";
import { type Cid, cidOf, cidText, codecs, hashes } from "../../../../src/payload/ipfs/cid.ts";
import { decodeDagPb } from "../../../../src/payload/ipfs/dagPb.ts";
import { dagLimits, readFile, Unverifiable } from "../../../../src/payload/ipfs/readFile.ts";
import { encodeUnixFsFile } from "../../../../src/payload/ipfs/unixFs.ts";
import { type Blocks, createBlocks, deepProfile, wrapped } from "../support/blocks.ts";
import { linkTo } from "../support/graphs.ts";
import { pattern } from "../support/pattern.ts";

const enough = 10_000_000;
const read = (blocks: Blocks, cid: Cid, path: readonly string[] = [], maxBytes = enough) =>
  readFile(cid, path, blocks.get, maxBytes);

const whyNot = async (reading: Promise<Uint8Array>): Promise<string> => {
  const error = await reading.then(
    () => "it was read",
    (reason: unknown) => reason,
  );
  if (error instanceof Unverifiable) return "unverifiable";
  return error instanceof PayloadError ? error.failure.error : String(error);
};

test("what was cut into blocks is read back, however it was cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.record({
        chunkSize: fc.integer({ min: 1, max: 64 }),
        width: fc.integer({ min: 2, max: 5 }),
        rawLeaves: fc.boolean(),
      }),
      async (body, profile) => {
        const blocks = createBlocks();
        expect(Uint8Array.from(await read(blocks, blocks.addFile(body, profile)))).toEqual(Uint8Array.from(body));
      },
    ),
  );
});

test("each block is asked for once, though it is linked often", async () => {
  const blocks = createBlocks();
  const zeros = blocks.addFile(new Uint8Array(3_000), { chunkSize: 100 });
  expect(await read(blocks, zeros)).toHaveLength(3_000);
  expect(blocks.asked).toHaveLength(2);
});

test("folders are walked by name, and agree with the reference importer", async () => {
  const blocks = createBlocks();
  const first = blocks.addFile(new TextEncoder().encode('{"a":1}'));
  const chunked = blocks.addFile(pattern(300_000));
  const sub = { data: Uint8Array.of(0x08, 1), links: [{ cid: chunked, name: "c.json", size: 300_114 }] };
  const root = blocks.addFolder({ "a b.json": first, sub: blocks.addNode(sub) });
  expect(cidText(chunked)).toBe("bafybeiggm3dct3rru5vqoxpkonxac7kgoqfjaqvqo56mt4aeu4rb7ea5bq");
  expect(Buffer.from(await read(blocks, root, ["a b.json"])).toString()).toBe('{"a":1}');
  expect(await read(blocks, root, ["sub", "c.json"])).toHaveLength(300_000);
  expect(await whyNot(read(blocks, root, ["c.json"]))).toBe("the IPFS path does not exist");
  expect(await whyNot(read(blocks, root, ["a b.json", "c"]))).toBe("the IPFS path does not exist");
  expect(await whyNot(read(blocks, chunked, ["c"]))).toBe("the IPFS path does not exist");
  expect(await whyNot(read(blocks, root))).toBe("the CID names a folder");
});

test("a folder that names two files alike is refused, and one that is sharded is left unproven", async () => {
  const blocks = createBlocks();
  const file = blocks.addFile(pattern(3));
  const link = { cid: file, name: "a", size: 0 };
  const twice = blocks.addNode({ links: [link, link], data: Uint8Array.of(0x08, 1) });
  expect(await whyNot(read(blocks, twice, ["a"]))).toBe("the IPFS file is malformed");
  expect(await whyNot(read(blocks, blocks.addFolder({ "00a": file }, 5), ["a"]))).toBe("unverifiable");
  expect(await whyNot(read(blocks, blocks.addFolder({ a: file }, 4), ["a"]))).toBe("unverifiable");
});

test("a file is bounded by what it says and by what it is", async () => {
  const blocks = createBlocks();
  const file = blocks.addFile(pattern(1_000), deepProfile);
  expect(await read(blocks, file, [], 1_000)).toHaveLength(1_000);
  expect(await whyNot(read(blocks, file, [], 999))).toBe("larger than 999 bytes");
  const [says] = [blocks.addNode({ links: [], data: encodeUnixFsFile(new Uint8Array(), [1e15]) })];
  expect(await whyNot(read(blocks, says))).toBe(`larger than ${enough} bytes`);
  const leaf = blocks.addFile(pattern(600));
  const links = [1, 2].map(() => ({ cid: leaf, name: "", size: 0 }));
  const lies = blocks.addNode({ links, data: encodeUnixFsFile(new Uint8Array(), [1]) });
  expect(await whyNot(read(blocks, lies, [], 1_000))).toBe("larger than 1000 bytes");
});

test("a small graph that unfolds into a large one is cut off", async () => {
  const blocks = createBlocks();
  let cid = blocks.addFile(new Uint8Array(), wrapped);
  for (let level = 0; level < 12; level++) {
    const links = Array.from({ length: 10 }, () => ({ cid, name: "", size: 0 }));
    cid = blocks.addNode({ links, data: encodeUnixFsFile(new Uint8Array(), []) });
  }
  expect(await whyNot(read(blocks, cid))).toBe(`the IPFS file has more than ${dagLimits.blocks} blocks`);
  expect(blocks.asked.length).toBeLessThan(20);
});

test("a folder of more links than a block has room for is cut off", async () => {
  const blocks = createBlocks();
  const cid = { codec: codecs.raw, hash: hashes.identity, digest: new Uint8Array() };
  const folder = linkTo(blocks, cid, dagLimits.folderLinks + 1, Uint8Array.of(0x08, 1));
  expect(await whyNot(read(blocks, folder, ["a"]))).toBe(`an IPFS block has more than ${dagLimits.folderLinks} links`);
});

test("a chain of blocks is cut off", async () => {
  const blocks = createBlocks();
  let cid = blocks.addFile(pattern(3));
  for (let level = 0; level < 40; level++) {
    cid = blocks.addNode({ links: [{ cid, name: "", size: 0 }], data: encodeUnixFsFile(new Uint8Array(), [3]) });
  }
  expect(await whyNot(read(blocks, cid))).toBe(`the IPFS file nests deeper than ${dagLimits.depth}`);
});

test("blocks that carry more ballast than file are cut off", async () => {
  const blocks = createBlocks();
  const ballast = (nth: number) => {
    const data = Buffer.concat([
      encodeUnixFsFile(Uint8Array.of(nth), []),
      Uint8Array.of(0x2a, 0x80, 0x80, 0x20),
      new Uint8Array(524_288),
    ]);
    return { cid: blocks.addNode({ links: [], data }), name: "", size: 0 };
  };
  const links = Array.from({ length: 20 }, (_, nth) => ballast(nth));
  const file = blocks.addNode({ links, data: encodeUnixFsFile(new Uint8Array(), []) });
  expect(await whyNot(read(blocks, file, [], 1_000))).toBe("the IPFS file has too large blocks");
});

test("what cannot be proven is said to be so, not to be wrong", async () => {
  const blocks = createBlocks();
  const linkTo = (cid: Cid) =>
    blocks.addNode({ links: [{ cid, name: "", size: 0 }], data: encodeUnixFsFile(new Uint8Array(), []) });
  const digest = new Uint8Array(32);
  expect(await whyNot(read(blocks, linkTo({ codec: codecs.raw, hash: 0x1e, digest })))).toBe("unverifiable");
  expect(await whyNot(read(blocks, linkTo({ codec: 0x71, hash: hashes.sha256, digest })))).toBe("unverifiable");
});

test("nothing is asked for any more once a graph has turned out to be no file", async () => {
  const blocks = createBlocks();
  const leaves = Array.from({ length: 100 }, (_, nth) => blocks.addFile(Uint8Array.of(nth), wrapped));
  const folder = blocks.addFolder({});
  const links = [folder, ...leaves].map((cid) => ({ cid, name: "", size: 0 }));
  const file = blocks.addNode({ links, data: encodeUnixFsFile(new Uint8Array(), []) });
  expect(await whyNot(read(blocks, file))).toBe("the IPFS file is malformed");
  await new Promise(setImmediate);
  expect(blocks.asked.length).toBeLessThan(20);
});

test("a link may hold its few bytes itself", async () => {
  const blocks = createBlocks();
  const own = { codec: codecs.raw, hash: hashes.identity, digest: Uint8Array.of(1, 2, 3) };
  const file = blocks.addNode({
    links: [{ cid: own, name: "", size: 3 }],
    data: encodeUnixFsFile(new Uint8Array(), [3]),
  });
  expect([...(await read(blocks, file))]).toEqual([1, 2, 3]);
  expect(blocks.asked).toEqual([cidText(file)]);
});

test("bytes that are no block of a file are refused, never thrown over", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
      const blocks = createBlocks();
      const cid = blocks.add({ cid: cidOf(codecs.dagPb, bytes), bytes });
      expect(await whyNot(read(blocks, cid))).toMatch(
        /^(it was read|unverifiable|the IPFS file is malformed|the CID names a folder|larger than \d+ bytes)$/,
      );
    }),
    { numRuns: 1_000 },
  );
});

test("a block with a flipped bit is refused or reads otherwise, never thrown over", async () => {
  const { blocks: built } = buildFile(pattern(20), {
    ...deepProfile,
    chunkSize: 4,
    width: 3,
    rawLeaves: false,
    version: 0,
  });
  const whole = built.at(-1)?.bytes ?? new Uint8Array();
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const bytes = Uint8Array.from(whole);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const decoding = Promise.resolve(bytes).then((block) => decodeDagPb(block, dagLimits.blocks));
    const error = await whyNot(decoding.then(({ data }) => data));
    expect(["it was read", "the IPFS file is malformed"]).toContain(error);
  }
});
