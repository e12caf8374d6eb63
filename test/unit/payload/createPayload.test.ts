import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import { sha256 } from "multiformats/hashes/sha2";
import { expect, onTestFinished, test } from "vitest";
import { createPayload, type PayloadOptions } from "../../../src/payload/createPayload.ts";
import type { Output } from "../../../src/payload/payloadPort.ts";

const limits = { maxBytes: 1_000, timeoutMs: 2_000 };

/** Listens on a free port of loopback for as long as the test runs. */
async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (listener: RequestListener) => listen(createServer(listener));
const reply = (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}, status = 200) =>
  serve((_request, response) => response.writeHead(status, headers).end(body));

const fetchFrom = (host: string, options: Partial<PayloadOptions> = {}, path = "/a?token=secret", some = limits) =>
  createPayload({ gateways: [], allowHosts: [host], ...options }).fetch(`http://${host}${path}`, some);

const failure = ({ error, transient, valid, json, text, digest }: Output) => {
  expect({ valid, json, text, digest }).toEqual({ valid: false, json: null, text: "", digest: "" });
  expect(error).not.toContain("secret");
  return `${error}${transient ? " (transient)" : ""}`;
};

test("fetches JSON, with the digest of its bytes, over one connection that is not kept", async () => {
  const requests: unknown[] = [];
  const host = await serve(({ headers, method, url }, response) => {
    requests.push([method, url, headers["accept-encoding"], headers.connection, headers.cookie]);
    response.end('\uFEFF{"label": "positive"}');
  });
  expect(await fetchFrom(host)).toEqual({
    valid: true,
    json: { label: "positive" },
    text: '{"label": "positive"}',
    bytes: 24,
    cidVerified: false,
    error: "",
    transient: false,
    digest: "3787ef94adda79bdcfacd24abf2b8174bdc419d61118571771f7df3d33483103",
  });
  expect(requests).toEqual([["GET", "/a?token=secret", "identity", "close", undefined]]);
});

test("a chunked body is counted as it arrives", async () => {
  const host = await serve((_request, response) => {
    for (let i = 0; i < 10; i++) response.write(i === 0 ? '"a' : "a");
    response.end('"');
  });
  expect(await fetchFrom(host)).toMatchObject({ valid: true, json: "aaaaaaaaaa", bytes: 12 });
});

const answers: readonly (readonly [
  body: string | Uint8Array,
  headers: Record<string, string>,
  status: number,
  error: string,
])[] = [
  ["{}", { location: "http://127.0.0.1/secret" }, 302, "redirects are not followed"],
  ["{}", {}, 304, "redirects are not followed"],
  ["{}", {}, 404, "HTTP 404"],
  ["{}", {}, 403, "HTTP 403"],
  ["", {}, 204, "HTTP 204"],
  ["secret", {}, 500, "HTTP 500 (transient)"],
  ["secret", {}, 503, "HTTP 503 (transient)"],
  ["secret", {}, 429, "HTTP 429 (transient)"],
  [gzipSync("{}"), { "content-encoding": "gzip" }, 200, "a compressed answer is refused"],
  ["{}", { "content-encoding": "secret" }, 200, "a compressed answer is refused"],
  ["{}", { "content-length": "1001" }, 200, "larger than 1000 bytes"],
  ["x".repeat(1001), {}, 200, "larger than 1000 bytes"],
];

test.each(answers)("%.10s with %o and status %d is: %s", async (body, headers, status, error) => {
  expect(failure(await fetchFrom(await reply(body, headers, status)))).toBe(error);
});

const bodies: readonly (readonly [body: string | Uint8Array, error: string, text: string])[] = [
  ["secret", "not JSON", "secret"],
  ["", "not JSON", ""],
  [Uint8Array.of(0x22, 0xff, 0x22), "not UTF-8", ""],
  [gzipSync("{}"), "not UTF-8", ""],
  ["[".repeat(100), "JSON nests deeper than 64", "[".repeat(100)],
  ['{"a":1,"a":2}', "JSON repeats a key", '{"a":1,"a":2}'],
  ['{"__proto__":{}}', "JSON has a key __proto__", '{"__proto__":{}}'],
];

test.each(bodies)("a body that is no fit JSON keeps its digest, and says why: %.20s", async (body, error, text) => {
  expect(await fetchFrom(await reply(body))).toMatchObject({
    valid: false,
    json: null,
    text,
    error,
    transient: false,
    bytes: body.length,
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test("an endless body is cut off at the limit, not drained", async () => {
  let sent = 0;
  const closed = Promise.withResolvers<void>();
  const host = await serve((_request, response) => {
    const chunk = "x".repeat(65_536);
    const write = () => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.length;
    };
    response.on("drain", write).on("close", closed.resolve);
    write();
  });
  expect(failure(await fetchFrom(host))).toBe("larger than 1000 bytes");
  await closed.promise;
  expect(sent).toBeLessThan(20_000_000);
});

/** Sends a head, then one byte every few milliseconds, until the other side is gone. */
const drip = (head: string, byte: string) => {
  const server = createTcpServer((socket: Socket) => {
    socket.write(head);
    const timer = setInterval(() => socket.write(byte), 5);
    socket.on("error", () => {}).on("close", () => clearInterval(timer));
  });
  return listen(server);
};

const drips: readonly (readonly [what: string, head: string, byte: string])[] = [
  ["a body", "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n", "x"],
  ["a head", "HTTP/1.1 200 OK\r\nx-a: ", "x"],
  ["interim answers", "", "HTTP/1.1 103 Early Hints\r\n\r\n"],
  ["chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n"],
  ["silence", "", ""],
];

test.each(drips)("a slow drip of %s ends in time", async (_what, head, byte) => {
  const host = await drip(head, byte);
  const before = performance.now();
  const output = await fetchFrom(host, {}, "/", { maxBytes: 100_000, timeoutMs: 200 });
  expect(failure(output)).toBe("timed out after 200 ms (transient)");
  expect(performance.now() - before).toBeLessThan(1_500);
});

test("a connection that breaks off, is refused, or does not speak HTTP may pass", async () => {
  const early = await listen(
    createTcpServer((socket) => socket.on("error", () => {}).end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")),
  );
  expect(failure(await fetchFrom(early))).toMatch(/^the connection (closed early|failed: ECONNRESET) \(transient\)$/);
  const noise = await listen(createTcpServer((socket) => socket.on("error", () => {}).end("secret\r\n\r\n")));
  expect(failure(await fetchFrom(noise))).toMatch(/^the connection failed: HPE_[A-Z_]+ \(transient\)$/);
  const heads = await reply("{}", { "x-a": "a".repeat(20_000) });
  expect(failure(await fetchFrom(heads))).toBe("the connection failed: HPE_HEADER_OVERFLOW (transient)");
  expect(failure(await fetchFrom("127.0.0.1:1"))).toBe("the connection failed: ECONNREFUSED (transient)");
});

const forbidden: readonly (readonly [url: string, error: string])[] = [
  ["http://127.0.0.1/", "the host is not public"],
  ["http://2130706433/", "the host is not public"],
  ["http://0x7f000001/", "the host is not public"],
  ["http://0177.0.0.1/", "the host is not public"],
  ["http://127.1/", "the host is not public"],
  ["http://127.0.0.1./", "the host is not public"],
  ["http://①②⑦.0.0.1/", "the host is not public"],
  ["http://[::1]/", "the host is not public"],
  ["http://[::ffff:127.0.0.1]/", "the host is not public"],
  ["http://[::ffff:7f00:1]/", "the host is not public"],
  ["http://[64:ff9b::127.0.0.1]/", "the host is not public"],
  ["http://[fe80::1]/", "the host is not public"],
  ["https://169.254.169.254/latest/meta-data", "the host is not public"],
  ["http://0/", "the host is not public"],
  ["http://localhost/", "the host is not public"],
  ["http://localhost./", "the host is not public"],
  ["http://8.8.8.8:22/", "only ports 80 and 443 are fetched"],
  ["https://8.8.8.8:8443/", "only ports 80 and 443 are fetched"],
  ["http://user:secret@8.8.8.8/", "credentials in a URL are refused"],
  ["http://[::1", "not a URL"],
  ["http://", "not a URL"],
  ["http://a b/", "not a URL"],
  ["ipfs://../secret", "not an IPFS URL"],
  [`ipfs://${"a".repeat(59)}/../../secret`, "not an IPFS URL"],
  [`ipfs://${"a".repeat(59)}/%2e%2E/secret`, "not an IPFS URL"],
  [`ipfs://${"a".repeat(59)}`, "no IPFS gateway is configured"],
];

test.each(forbidden)("does not connect to %s", async (url, error) => {
  const lookup = async () => [{ address: "127.0.0.1", family: 4 }];
  expect(failure(await createPayload({ gateways: [], allowHosts: [], lookup }).fetch(url, limits))).toBe(error);
});

test("a name with one private address among public ones is refused", async () => {
  const lookup = async () => [
    { address: "8.8.8.8", family: 4 },
    { address: "10.0.0.1", family: 4 },
  ];
  const payload = createPayload({ gateways: [], allowHosts: [], lookup });
  expect(failure(await payload.fetch("http://a.example/", limits))).toBe("the host is not public");
});

test("a name is resolved once, and that answer is what is connected to", async () => {
  let asked = 0;
  const host = await reply("{}");
  const port = host.split(":")[1];
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
  const host = await reply("{}");
  const other = await reply("{}");
  expect(await fetchFrom(host)).toMatchObject({ valid: true });
  expect(failure(await fetchFrom(other, { allowHosts: [host] }))).toBe("only ports 80 and 443 are fetched");
});

test("a resolver that fails, throws or hangs is a failure that may pass", async () => {
  const fetchWith = (lookup: NonNullable<PayloadOptions["lookup"]>) =>
    createPayload({ gateways: [], allowHosts: [], lookup }).fetch("http://a.example/", {
      maxBytes: 10,
      timeoutMs: 100,
    });
  const error = Object.assign(new Error("secret"), { code: "ENOTFOUND" });
  expect(failure(await fetchWith(() => Promise.reject(error)))).toBe("the connection failed: ENOTFOUND (transient)");
  expect(failure(await fetchWith(async () => []))).toBe("the connection failed: ENOTFOUND (transient)");
  expect(failure(await fetchWith(() => new Promise(() => {})))).toBe("timed out after 100 ms (transient)");
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
  expect(await read("file:///etc/passwd")).toMatchObject({
    valid: false,
    error: "not JSON",
    text: "file:///etc/passwd",
  });
  expect(await read("hello")).toMatchObject({
    valid: false,
    error: "not JSON",
    text: "hello",
    transient: false,
    bytes: 5,
  });
  expect(await read("{")).toMatchObject({ valid: false, error: "not JSON" });
  expect(await read("[".repeat(100_000))).toMatchObject({ valid: false, error: "larger than 1000 bytes" });
  expect(await read("é".repeat(600))).toMatchObject({ valid: false, error: "larger than 1000 bytes" });
  expect(await payload.fetch(undefined as never, limits)).toMatchObject({ valid: false, transient: false });
});

const cidOf = async (body: string) =>
  CID.createV1(raw.code, await sha256.digest(new TextEncoder().encode(body))).toString();

test("an IPFS file is verified by its CID, whichever way it is asked for", async () => {
  const cid = await cidOf('{"a":1}');
  const paths: unknown[] = [];
  const host = await serve(({ url }, response) => {
    paths.push(url);
    response.end('{"a":1}');
  });
  const payload = createPayload({ gateways: [`http://${host}/`], allowHosts: [host] });
  for (const url of [`ipfs://${cid}`, `ipfs://ipfs/${cid}`, `http://${host}/ipfs/${cid}`]) {
    expect(await payload.fetch(url, limits)).toMatchObject({ valid: true, cidVerified: true });
  }
  for (const url of [`ipfs://${cid}/a.json`, `http://${host}/ipfs/${cid}?format=x`, `http://${host}/${cid}`]) {
    expect(await payload.fetch(url, limits)).toMatchObject({ valid: true, cidVerified: false });
  }
  expect(paths).toEqual([
    `/ipfs/${cid}`,
    `/ipfs/${cid}`,
    `/ipfs/${cid}`,
    `/ipfs/${cid}/a.json`,
    `/ipfs/${cid}?format=x`,
    `/${cid}`,
  ]);
});

test("bytes that do not match their CID are not shown, and another gateway may have the right ones", async () => {
  const cid = await cidOf('{"a":1}');
  const [liar, honest, down] = [await reply('{"a":2}'), await reply('{"a":1}'), await reply("", {}, 502)];
  const fetchVia = (...hosts: string[]) =>
    createPayload({ gateways: hosts.map((host) => `http://${host}`), allowHosts: hosts }).fetch(
      `ipfs://${cid}`,
      limits,
    );
  expect(failure(await fetchVia(liar))).toBe("CID mismatch (transient)");
  expect(failure(await fetchVia(down))).toBe("HTTP 502 (transient)");
  expect(await fetchVia(liar, down, honest)).toMatchObject({ valid: true, cidVerified: true, json: { a: 1 } });
  const missing = await reply("", {}, 404);
  expect(failure(await fetchVia(missing, missing))).toBe("HTTP 404");
  expect(failure(await fetchVia(missing, down, missing))).toBe("HTTP 502 (transient)");
});

test("several gateways share one deadline", async () => {
  const cid = await cidOf("{}");
  const [slow, honest] = [await drip("", ""), await reply("{}")];
  const gateways = [`http://${slow}`, `http://${honest}`];
  const payload = createPayload({ gateways, allowHosts: [slow, honest] });
  const before = performance.now();
  expect(await payload.fetch(`ipfs://${cid}`, { ...limits, timeoutMs: 400 })).toMatchObject({ valid: true });
  expect(performance.now() - before).toBeLessThan(1_000);
});

test("no more fetches run at once than allowed, and what does not fit the queue may be asked again", async () => {
  let open = 0;
  let most = 0;
  const host = await serve((_request, response) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      response.end("{}");
    }, 20);
  });
  const payload = createPayload({ gateways: [], allowHosts: [host], concurrency: 2, queue: 4 });
  const outputs = await Promise.all(Array.from({ length: 8 }, () => payload.fetch(`http://${host}/`, limits)));
  expect(most).toBe(2);
  expect(outputs.filter(({ valid }) => valid)).toHaveLength(6);
  expect(outputs.slice(6).map(failure)).toEqual(Array(2).fill("too many fetches wait already (transient)"));
});
