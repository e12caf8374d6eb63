import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { from, lastValueFrom, toArray } from "rxjs";
import { expect, test } from "vitest";
import { createPayload, type PayloadOptions } from "../../../src/payload/createPayload.ts";
import { heapOf } from "../../../src/payload/heapOf.ts";
import { cidOf, cidText, codecs, parseCid } from "../../../src/payload/ipfs/cid.ts";
import { patiently } from "../../../src/payload/patiently.ts";
import type { Output } from "../../../src/payload/payloadPort.ts";
import { whileHeld } from "../../../src/payload/whileHeld.ts";
import { coalesceByKey } from "../../../src/rx/coalesceByKey.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";
import { createArena, optionsFor, resolvesTo } from "./support/arena.ts";
import { createBlocks } from "./support/blocks.ts";

const limits = { maxBytes: 1_000, timeoutMs: 20_000 };

const failure = ({ error, transient, valid, json, text, digest }: Output) => {
  expect({ valid, json, text, digest }).toEqual({ valid: false, json: null, text: "", digest: "" });
  return `${error}${transient ? " (transient)" : ""}`;
};

test("fetches JSON, with the digest of its bytes", async () => {
  const arena = createArena();
  const requests: unknown[] = [];
  const host = await arena.serve(({ headers, method, url }, response) => {
    requests.push([method, url, headers["accept-encoding"], headers["user-agent"], headers.cookie, headers.referer]);
    response.end('\uFEFF{"label": "positive"}');
  });
  const output = await createPayload(optionsFor(arena)).fetch(`http://${host}/a?b=c#d`, limits);
  expect(output).toEqual({
    valid: true,
    json: { label: "positive" },
    text: '{"label": "positive"}',
    bytes: 24,
    cidVerified: false,
    error: "",
    transient: false,
    digest: "3787ef94adda79bdcfacd24abf2b8174bdc419d61118571771f7df3d33483103",
  });
  expect(requests).toEqual([["GET", "/a?b=c", "gzip, br, zstd, deflate", "ogpu-confirmd", undefined, undefined]]);
});

test("a body that is no fit JSON keeps its digest and its text", async () => {
  const arena = createArena();
  const host = await arena.reply('{"a":1,"a":2}');
  expect(await createPayload(optionsFor(arena)).fetch(`http://${host}/`, limits)).toMatchObject({
    valid: false,
    json: null,
    text: '{"a":1,"a":2}',
    bytes: 13,
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

const encodings: readonly (readonly [encoding: string, encode: (text: string) => Uint8Array])[] = [
  ["gzip", gzipSync],
  ["x-gzip", gzipSync],
  ["GZIP", gzipSync],
  ["br", brotliCompressSync],
  ["deflate", deflateSync],
  ["zstd", zstdCompressSync],
  ["identity", Buffer.from],
];

test.each(encodings)("a body in %s is decoded, and bounded by what it decodes to", async (encoding, encode) => {
  const arena = createArena();
  const fits = JSON.stringify("a".repeat(998));
  const [host, other] = [
    await arena.reply(encode(fits), { "content-encoding": encoding }),
    await arena.reply(encode(`${fits} `), { "content-encoding": encoding }),
  ];
  const payload = createPayload(optionsFor(arena));
  expect(await payload.fetch(`http://${host}/`, limits)).toMatchObject({ valid: true, bytes: 1_000 });
  expect(failure(await payload.fetch(`http://${other}/`, limits))).toBe("larger than 1000 bytes");
});

test("a body that compression makes longer may still be of the full size", async () => {
  const arena = createArena();
  const text = JSON.stringify(
    Buffer.alloc(900, Buffer.from("0f1e2d3c4b5a69788796", "hex")).toString("base64").slice(0, 998),
  );
  const stored = gzipSync(text, { level: 0 });
  expect(stored.length).toBeGreaterThan(text.length);
  const host = await arena.reply(stored, { "content-encoding": "gzip" });
  expect(await createPayload(optionsFor(arena)).fetch(`http://${host}/`, limits)).toMatchObject({ bytes: 1_000 });
});

test("redirects are followed, relative ones too, up to three", async () => {
  const arena = createArena();
  const last = await arena.reply('{"a":1}');
  const hops = ["/1", "//HOST/2", `http://${last}/`];
  const host = await arena.serve(({ url = "" }, response) => {
    const location = hops[Number(url.slice(1))]?.replace("HOST", host) ?? "/";
    response.writeHead(307, { location }).end("secret");
  });
  const payload = createPayload(optionsFor(arena));
  expect(await payload.fetch(`http://${host}/0`, limits)).toMatchObject({ valid: true, json: { a: 1 } });
  hops.push(...hops.splice(2), `http://${last}/`);
  hops[2] = "/3";
  expect(failure(await payload.fetch(`http://${host}/0`, limits))).toBe("more than 3 redirects");
});

test("an endless body is cut off at the limit, not drained", async () => {
  const arena = createArena();
  let sent = 0;
  const closed = Promise.withResolvers<void>();
  const host = await arena.serve((_request, response) => {
    const chunk = "x".repeat(65_536);
    const write = () => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.length;
    };
    response.on("drain", write).on("close", closed.resolve);
    write();
  });
  const output = await createPayload(optionsFor(arena)).fetch(`http://${host}/`, limits);
  expect(failure(output)).toBe("larger than 1000 bytes");
  await closed.promise;
  expect(sent).toBeLessThan(20_000_000);
});

test("a name is resolved once, and that answer is what is connected to", async () => {
  const arena = createArena();
  const port = (await arena.reply("{}")).split(":")[1];
  let asked = 0;
  const lookup = async () => [{ address: asked++ === 0 ? "127.0.0.1" : "8.8.8.8", family: 4 }];
  const rebinding = createPayload({ gateways: [], allowHosts: [], lookup });
  expect(failure(await rebinding.fetch("http://rebind.example/", limits))).toBe("the host is not public");
  expect(asked).toBe(1);
  asked = 0;
  const allowed = createPayload({ gateways: [], allowHosts: [`demo.example:${port}`], lookup });
  expect(await allowed.fetch(`http://demo.example:${port}/`, limits)).toMatchObject({ valid: true });
  expect(asked).toBe(1);
});

test("an exception is for one host and one port", async () => {
  const arena = createArena();
  const [host, other] = [await arena.reply("{}"), await arena.reply("{}")];
  const payload = createPayload({ gateways: [], allowHosts: [host] });
  expect(await payload.fetch(`http://${host}/`, limits)).toMatchObject({ valid: true });
  expect(failure(await payload.fetch(`http://${other}/`, limits))).toBe("only the ports 443, 80 are fetched");
});

test("ports and schemes are those that the operator allows", async () => {
  const options = { gateways: [], allowHosts: [], lookup: resolvesTo("127.0.0.1"), ports: [8080], schemes: ["http"] };
  const read = async (url: string) => failure(await createPayload(options).fetch(url, limits));
  expect(await read("http://a.example:8080/")).toBe("the host is not public");
  expect(await read("http://a.example/")).toBe("only the ports 8080 are fetched");
  expect(await read("https://a.example:8080/")).toBe("only http is fetched");
});

test("a resolver that fails or throws is a failure that may pass", async () => {
  const fetchWith = (lookup: NonNullable<PayloadOptions["lookup"]>) =>
    createPayload({ gateways: [], allowHosts: [], lookup }).fetch("http://a.example/", limits);
  const error = Object.assign(new Error("secret"), { code: "ENOTFOUND" });
  expect(failure(await fetchWith(() => Promise.reject(error)))).toBe("the connection failed: ENOTFOUND (transient)");
  const throws = () => {
    throw new Error("secret");
  };
  expect(failure(await fetchWith(throws))).toBe("the connection failed: unknown (transient)");
});

test("inline data needs no connection", async () => {
  const payload = createPayload({ gateways: [], allowHosts: [] });
  const read = (data: string) => payload.fetch(data, limits);
  expect(await read(' {"a": [1]} ')).toMatchObject({ valid: true, json: { a: [1] }, error: "" });
  expect(await read("3")).toMatchObject({ valid: true, json: 3 });
  expect(await read("file:///etc/passwd")).toMatchObject({ error: "not JSON", text: "file:///etc/passwd" });
  expect(await read("hello")).toMatchObject({ valid: false, error: "not JSON", text: "hello", bytes: 5 });
  expect(await read("é".repeat(600))).toMatchObject({ valid: false, error: "larger than 1000 bytes" });
  expect(await payload.fetch(undefined as never, limits)).toMatchObject({ valid: false, transient: false });
});

test("no more fetches run at once from one host than allowed, and what does not fit the queue may be asked again", async () => {
  const arena = createArena();
  let open = 0;
  let most = 0;
  const host = await arena.serve((_request, response) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      response.end("{}");
    }, 20);
  });
  const payload = createPayload({ ...optionsFor(arena), concurrency: 8, concurrencyPerHost: 2, queue: 16 });
  const outputs = await Promise.all(Array.from({ length: 8 }, () => payload.fetch(`http://${host}/`, limits)));
  expect(most).toBe(2);
  expect(outputs.filter(({ valid }) => valid)).toHaveLength(6);
  expect(outputs.slice(6).map(failure)).toEqual(Array(2).fill("too many fetches wait already (transient)"));
});

test("a host that never answers does not keep the others waiting", async () => {
  const arena = createArena();
  const silent = await arena.tcp(() => {});
  const honest = await arena.reply("{}");
  const payload = createPayload({
    ...optionsFor(arena),
    concurrency: 4,
    concurrencyPerHost: 2,
    firstByteTimeout: 60_000,
  });
  const patient = { ...limits, timeoutMs: 60_000 };
  for (let nth = 0; nth < 10; nth++) void payload.fetch(`http://${silent}/`, patient);
  const served = await Promise.all(Array.from({ length: 10 }, () => payload.fetch(`http://${honest}/`, patient)));
  expect(served.every(({ valid }) => valid)).toBe(true);
});

test("whoever waits for a host that never answers waits for half of the time, and is told that nobody was asked", async () => {
  const arena = createArena();
  let asked = 0;
  const silent = await arena.tcp(() => void asked++);
  const payload = createPayload({ ...optionsFor(arena), concurrencyPerHost: 1, firstByteTimeout: 60_000 });
  const brief = { maxBytes: 1_000, timeoutMs: 400 };
  const outputs = await Promise.all(Array.from({ length: 20 }, () => payload.fetch(`http://${silent}/`, brief)));
  expect(asked).toBe(1);
  expect(failure(outputs[0] as Output)).toBe("timed out after 400 ms (transient)");
  expect(outputs[0]).not.toHaveProperty("unasked");
  const others = outputs.slice(1);
  expect(others.every(({ unasked }) => unasked)).toBe(true);
  expect([...new Set(others.map(failure))]).toEqual([
    "it waited too long for its turn (transient)",
    "its host is slow, and busy with others (transient)",
  ]);
});

test("a thousand answers on a host that never answers do not keep a task behind them waiting", async () => {
  const arena = createArena();
  let asked = 0;
  const silent = await arena.tcp(() => void asked++);
  const honest = await arena.reply("{}");
  const payload = createPayload({ ...optionsFor(arena), concurrencyPerHost: 1, firstByteTimeout: 60_000 });
  const urls = [...Array.from({ length: 1_000 }, (_, nth) => `http://${silent}/${nth}`), `http://${honest}/`];
  const look = (url: string) =>
    from(payload.fetch(url, { maxBytes: 1_000, timeoutMs: 1_000 }).then(({ valid }) => valid));
  const looks = await lastValueFrom(from(urls).pipe(coalesceByKey(2, look), toArray()));
  expect(looks.filter((valid) => valid)).toHaveLength(1);
  expect(asked).toBeLessThan(10);
});

test("answers that hang keep neither a task's config from being read nor what is on disk", async () => {
  const arena = createArena();
  const blocks = createBlocks();
  const gateway = await arena.serve(async ({ url = "" }, response) => {
    const cid = parseCid(url.split("/").at(-1) ?? "");
    if (cid && blocks.has(cid)) response.end(await blocks.get(cid));
  });
  const silent = await arena.tcp(() => {});
  const cacheDir = temporaryFolder("payload-");
  const options = { gateways: [`http://${gateway}`], concurrency: 8, concurrencyPerHost: 8, firstByteTimeout: 60_000 };
  const payload = createPayload({ ...optionsFor(arena), ...options, cacheDir });
  const ipfs = (text: string) => `ipfs://${cidText(blocks.addFile(Buffer.from(text)))}`;
  const [kept, config, fresh] = ['"kept"', '{"function_name":"f"}', '"fresh"'].map(ipfs) as [string, string, string];
  expect(await payload.fetch(kept, limits)).toMatchObject({ valid: true });

  const dead = (nth: number) => `ipfs://${cidText(cidOf(codecs.raw, Buffer.from(`nobody has ${nth}`)))}`;
  const hanging = { ...limits, timeoutMs: 60_000 };
  for (let nth = 0; nth < 6; nth++) void payload.fetch(dead(nth), hanging);
  for (let nth = 0; nth < 6; nth++) void payload.fetch(`http://${silent}/`, hanging);
  const brief = { ...limits, timeoutMs: 2_000 };
  expect(await payload.fetch(config, { ...brief, isConfig: true })).toMatchObject({ valid: true, cidVerified: true });
  expect(await payload.fetch(kept, brief)).toMatchObject({ valid: true, json: "kept", cidVerified: true });
  expect(await payload.fetch(fresh, brief)).toMatchObject({ unasked: true });
});

test("what is held of payloads is bounded, too, until whoever holds them is done", async () => {
  const arena = createArena();
  const host = await arena.reply(JSON.stringify("x".repeat(9_998)));
  const ask = { maxBytes: 10_000, timeoutMs: 1_000 };
  const payload = createPayload({ ...optionsFor(arena), memory: 5 * heapOf(ask.maxBytes) });
  const decided = Promise.withResolvers<void>();
  let came = 0;
  const looks = Array.from({ length: 32 }, () =>
    whileHeld(payload, async ({ fetch }) => {
      const output = await fetch(`http://${host}/`, ask);
      if (++came === 32) decided.resolve();
      await decided.promise;
      return output;
    }),
  );
  const outputs = await Promise.all(looks);
  expect(outputs.filter(({ valid }) => valid)).toHaveLength(5);
  const others = outputs.filter(({ valid }) => !valid);
  expect(new Set(others.map(failure))).toEqual(new Set(["it waited too long for its turn (transient)"]));
  expect(others.every(({ unasked }) => unasked)).toBe(true);
  expect(await payload.fetch(`http://${host}/`, ask)).toMatchObject({ valid: true });
});

test("a task that asks for more than the memory has room for is given what fits, and the rest when that is decided", async () => {
  const arena = createArena();
  const host = await arena.reply(JSON.stringify("x".repeat(9_998)));
  const ask = { maxBytes: 10_000, timeoutMs: 1_000 };
  const payload = createPayload({ ...optionsFor(arena), memory: heapOf(ask.maxBytes) - 1 });
  let left = 3;
  for (let look = 0; look < 3; look++) {
    await whileHeld(payload, async ({ fetch }) => {
      const outputs = await Promise.all(Array.from({ length: left }, () => fetch(`http://${host}/`, ask)));
      left -= outputs.filter(({ valid }) => valid).length;
    });
  }
  expect(left).toBe(0);
});

test("a look that fails gives its part of the memory back", async () => {
  const arena = createArena();
  const host = await arena.reply(JSON.stringify("x".repeat(9_998)));
  const ask = { maxBytes: 10_000, timeoutMs: 1_000 };
  const payload = createPayload({ ...optionsFor(arena), memory: heapOf(ask.maxBytes) });
  const broken = whileHeld(payload, async ({ fetch }) => {
    await fetch(`http://${host}/`, ask);
    throw new Error("no node answers");
  });
  await expect(broken).rejects.toThrow("no node answers");
  expect(await payload.fetch(`http://${host}/`, ask)).toMatchObject({ valid: true });
});

test("whoever has time asks again until each answer had its turn, and takes no for an answer in the end", async () => {
  const arena = createArena();
  const host = await arena.reply("{}");
  const ask = { maxBytes: 1_000, timeoutMs: 20_000 };
  const hurried = createPayload({ ...optionsFor(arena), concurrencyPerHost: 1, queue: 4 });
  const fetchAll = ({ fetch }: typeof hurried) =>
    Promise.all(Array.from({ length: 20 }, () => fetch(`http://${host}/`, ask)));
  expect((await fetchAll(hurried)).filter(({ valid }) => valid).length).toBeLessThan(20);
  expect((await fetchAll(patiently(hurried, { tries: 1_000, everyMs: 5 }))).every(({ valid }) => valid)).toBe(true);
  const refused = (await fetchAll(patiently(hurried, { tries: 1 }))).filter(({ valid }) => !valid);
  expect(new Set(refused.map(failure))).toEqual(new Set(["too many fetches wait already (transient)"]));
  expect(refused.every((output) => output.unasked)).toBe(true);
});
