import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createPayload, type PayloadOptions } from "../../../../src/payload/createPayload.ts";
import { type Cid, cidOf, cidText, codecs, hashes } from "../../../../src/payload/ipfs/cid.ts";
import { temporaryFolder } from "../../../support/temporaryFolder.ts";
import { createArena, optionsFor } from "../support/arena.ts";
import { serveBlocks } from "../support/blockGateway.ts";
import { createBlocks, deepProfile, wrapped } from "../support/blocks.ts";

const limits = { maxBytes: 2_000_000, timeoutMs: 20_000 };
const json = (length: number) => JSON.stringify("a".repeat(length));
const bytesOf = (text: string) => new TextEncoder().encode(text);

async function setUp({ trustless = true } = {}) {
  const arena = createArena();
  const blocks = createBlocks();
  const requests: string[] = [];
  const host = await serveBlocks(arena, blocks, { trustless, requests });
  const open = (options: Partial<PayloadOptions> = {}) =>
    createPayload({ ...optionsFor(arena), gateways: [`http://${host}/`], ...options });
  const fetch = (cid: Cid, path = "", options: Partial<PayloadOptions> = {}) =>
    open(options).fetch(`ipfs://${cidText(cid)}${path}`, limits);
  return { arena, blocks, requests, host, open, fetch };
}

const proven = { valid: true, cidVerified: true, error: "" };
const unproven = { valid: true, cidVerified: false, error: "" };

test("a small file is proven by one request, whichever way it is asked for", async () => {
  const { blocks, requests, host, open } = await setUp();
  const cid = cidText(blocks.addFile(bytesOf(json(3))));
  for (const url of [`ipfs://${cid}`, `ipfs://ipfs/${cid}`, `http://${host}/ipfs/${cid}`]) {
    expect(await open().fetch(url, limits)).toMatchObject({ ...proven, json: "aaa" });
  }
  expect(requests).toEqual(Array(3).fill(`/ipfs/${cid}`));
});

test("a file of one UnixFS block is proven by one request", async () => {
  const { blocks, requests, fetch } = await setUp();
  const cid = blocks.addFile(bytesOf(json(3)), wrapped);
  expect(await fetch(cid)).toMatchObject({ ...proven, json: "aaa", bytes: 5 });
  expect(requests).toEqual([`/ipfs/${cidText(cid)}?format=raw`]);
});

test("a chunked file is proven block by block, however it was cut", async () => {
  const { blocks, requests, fetch } = await setUp();
  const body = json(1_000_000);
  expect(await fetch(blocks.addFile(bytesOf(body), { chunkSize: 100_000 }))).toMatchObject({
    ...proven,
    bytes: body.length,
  });
  expect(requests.filter((path) => path.endsWith("?format=raw"))).toHaveLength(requests.length);
  expect(await fetch(blocks.addFile(bytesOf(json(200)), deepProfile))).toMatchObject(proven);
});

test("a file in a folder is proven from the root down", async () => {
  const { blocks, host, open, fetch } = await setUp();
  const file = blocks.addFile(bytesOf(json(300_000)));
  const root = blocks.addFolder({ "a b": blocks.addFolder({ "c.json": file }) });
  expect(await fetch(root, "/a%20b/c.json")).toMatchObject(proven);
  expect(await open({ gateways: [] }).fetch(`http://${host}/ipfs/${cidText(root)}/a%20b/c.json`, limits)).toMatchObject(
    proven,
  );
  expect(await fetch(root, "/a%20b/d.json")).toMatchObject({ error: "the IPFS path does not exist", transient: false });
});

test("where a gateway gives no blocks, a file that was cut in a usual way is proven all the same", async () => {
  const { blocks, requests, fetch } = await setUp({ trustless: false });
  for (const profile of [{}, wrapped, { ...wrapped, version: 0 as const }, { chunkSize: 1 << 20, width: 1_024 }]) {
    expect(await fetch(blocks.addFile(bytesOf(json(1_500_000)), profile))).toMatchObject(proven);
  }
  expect(requests).toHaveLength(4);
});

test("what can be neither proven nor disproven is unverified, and no error", async () => {
  const { blocks, fetch } = await setUp({ trustless: false });
  expect(await fetch(blocks.addFile(bytesOf(json(100)), { chunkSize: 10 }))).toMatchObject(unproven);
  const root = blocks.addFolder({ "c.json": blocks.addFile(bytesOf(json(5))) });
  expect(await fetch(root, "/c.json")).toMatchObject(unproven);
});

test("a gateway that refuses to give blocks is asked for the file", async () => {
  const { arena, blocks, fetch } = await setUp();
  const cid = blocks.addFile(bytesOf(json(3)), wrapped);
  for (const status of [400, 403, 406, 415, 501]) {
    const host = await arena.serve(
      ({ url = "" }, response) =>
        void (url.includes("format=raw") ? response.writeHead(status).end() : response.end(json(3))),
    );
    expect(await fetch(cid, "", { gateways: [`http://${host}`] })).toMatchObject(proven);
  }
});

test("a block in the place of its file is not proven, and neither is what is no block at all", async () => {
  const { arena, blocks, fetch } = await setUp();
  const block = await blocks.get(blocks.addFile(bytesOf(json(3)), wrapped));
  for (const body of [block, bytesOf(json(3))]) {
    const host = await arena.serve(
      ({ url = "" }, response) =>
        void (url.includes("format=raw") ? response.writeHead(400).end() : response.end(body)),
    );
    const output = await fetch(cidOf(codecs.dagPb, body), "", { gateways: [`http://${host}`] });
    expect(output).toMatchObject({ cidVerified: false, bytes: body.length });
  }
});

test("a stranger's gateway may lie or be down: the operator's have the content all the same", async () => {
  const { arena, blocks, open } = await setUp();
  const cids = [blocks.addFile(bytesOf(json(3))), blocks.addFile(bytesOf(json(3)), wrapped)].map(cidText);
  const others = [
    await arena.reply('"lies"'),
    await arena.reply("", {}, 503),
    await arena.tcp((socket) => socket.end()),
  ];
  for (const cid of cids) {
    for (const host of others) {
      expect(await open().fetch(`http://${host}/ipfs/${cid}`, limits)).toMatchObject({ ...proven, json: "aaa" });
    }
  }
});

test("bytes that are proven wrong are not shown", async () => {
  const { arena, blocks, fetch } = await setUp();
  const cid = blocks.addFile(bytesOf(json(3)));
  const [liar, missing, down] = [
    await arena.reply('"lies"'),
    await arena.reply("", {}, 404),
    await arena.reply("", {}, 502),
  ];
  const via = async (...hosts: string[]) => {
    const { valid, text, digest, error, transient } = await fetch(cid, "", {
      gateways: hosts.map((host) => `http://${host}`),
    });
    expect({ valid, text, digest }).toEqual({ valid: false, text: "", digest: "" });
    return `${error}${transient ? " (transient)" : ""}`;
  };
  expect(await via(liar)).toBe("CID mismatch (transient)");
  expect(await via(missing, missing)).toBe("HTTP 404");
  expect(await via(missing, down, missing)).toBe("HTTP 502 (transient)");
});

test.each(["order", "race"] as const)(
  "in %s, a gateway that hangs or cannot prove does not keep the one that can",
  async (gatewayMode) => {
    const { arena, blocks, host, fetch } = await setUp();
    const cid = blocks.addFile(bytesOf(json(100)), { chunkSize: 10 });
    const [hangs, plain] = [await arena.tcp(() => {}), await serveBlocks(arena, blocks, { trustless: false })];
    const gateways = [hangs, plain, host].map((each) => `http://${each}`);
    expect(await fetch(cid, "", { gateways, gatewayMode, firstByteTimeout: 1_000 })).toMatchObject(proven);
    expect(
      await fetch(cid, "", { gateways: gateways.slice(0, 2), gatewayMode, firstByteTimeout: 1_000 }),
    ).toMatchObject(unproven);
    const silent = await fetch(cid, "", { gateways: gateways.slice(0, 1), gatewayMode, firstByteTimeout: 1_000 });
    expect(silent).toMatchObject({ error: "no answer within 1000 ms", transient: true });
  },
);

test("a race ends with the first proof", async () => {
  const { arena, blocks, host, fetch } = await setUp();
  const closed = Promise.withResolvers<void>();
  const hangs = await arena.tcp((socket) => void socket.resume().on("close", () => closed.resolve()));
  const gateways = [`http://${hangs}`, `http://${host}`];
  expect(await fetch(blocks.addFile(bytesOf(json(3))), "", { gateways, gatewayMode: "race" })).toMatchObject(proven);
  await closed.promise;
});

test("several gateways share one deadline", async () => {
  const { arena, blocks, host, open } = await setUp();
  const hangs = await arena.tcp(() => {});
  const cid = cidText(blocks.addFile(bytesOf(json(3))));
  const payload = open({ gateways: [`http://${hangs}`, `http://${host}`] });
  expect(await payload.fetch(`ipfs://${cid}`, { ...limits, timeoutMs: 4_000 })).toMatchObject(proven);
});

test("a redirect to another gateway is followed and proven like the first", async () => {
  const { arena, blocks, host, fetch } = await setUp();
  const moved = await arena.serve(
    ({ url = "" }, response) => void response.writeHead(301, { location: `http://${host}${url}` }).end(),
  );
  const cid = blocks.addFile(bytesOf(json(300_000)));
  expect(await fetch(cid, "", { gateways: [`http://${moved}`] })).toMatchObject(proven);
});

test("a CID that holds its content itself needs no fetch", async () => {
  const { requests, fetch } = await setUp();
  const cid = { codec: codecs.raw, hash: hashes.identity, digest: bytesOf('"inside"') };
  expect(await fetch(cid)).toMatchObject({ ...proven, json: "inside" });
  expect(await fetch(cid, "/a")).toMatchObject({ error: "the IPFS path does not exist" });
  expect(requests).toEqual([]);
});

test.each([true, false])("a file that is too large is named so, whoever serves it (blocks: %s)", async (trustless) => {
  const { blocks, open } = await setUp({ trustless });
  for (const [size, profile] of [
    [300, {}],
    [300, wrapped],
    [400_000, {}],
    [400_000, wrapped],
    [200_000, { chunkSize: 199 }],
  ] as const) {
    const cid = cidText(blocks.addFile(bytesOf(json(size)), profile));
    const output = await open().fetch(`ipfs://${cid}`, { ...limits, maxBytes: 100 });
    expect(output).toMatchObject({ error: "larger than 100 bytes", transient: false, digest: "" });
  }
});

test("without a gateway, ipfs:// cannot be read", async () => {
  const { blocks, fetch } = await setUp();
  const output = await fetch(blocks.addFile(bytesOf("{}")), "", { gateways: [] });
  expect(output).toMatchObject({ error: "no IPFS gateway is configured", transient: false });
});

function cacheFolder() {
  const cacheDir = temporaryFolder("payload-");
  return { cacheDir, files: () => readdirSync(cacheDir) };
}

test("what was proven is not asked for again, and what was not is never kept", async () => {
  const { blocks, requests, fetch, arena } = await setUp();
  const { cacheDir, files } = cacheFolder();
  const body = bytesOf(json(600_000));
  const cids = [blocks.addFile(bytesOf(json(3))), blocks.addFile(body)];
  const root = blocks.addFolder({ a: blocks.addFile(body, { chunkSize: 100_000 }) });
  const all = async () => {
    for (const cid of cids) expect(await fetch(cid, "", { cacheDir })).toMatchObject(proven);
    expect(await fetch(root, "/a", { cacheDir })).toMatchObject(proven);
  };
  await all();
  const asked = requests.length;
  await all();
  expect(requests).toHaveLength(asked);
  for (const name of files()) writeFileSync(join(cacheDir, name), "rotten");
  await all();
  expect(requests).toHaveLength(2 * asked);
  const before = files().length;
  const liar = await arena.reply('"lies"');
  const never = blocks.addFile(bytesOf(json(77)), { chunkSize: 7 });
  const options = { cacheDir, gateways: [`http://${liar}`] };
  expect(await fetch(never, "", options)).toMatchObject(unproven);
  expect(files()).toHaveLength(before);
});

test("a file that was cut again is kept as blocks", async () => {
  const { blocks, requests, fetch } = await setUp({ trustless: false });
  const { cacheDir } = cacheFolder();
  const cid = blocks.addFile(bytesOf(json(600_000)));
  for (const _ of [1, 2, 3]) expect(await fetch(cid, "", { cacheDir })).toMatchObject(proven);
  expect(requests).toHaveLength(1);
});
