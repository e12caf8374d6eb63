import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openHttpPost, TimeoutError, TooLongError } from "../../../src/chain/httpPost.ts";
import { asksForLess } from "../../../src/chain/rangeWidth.ts";

/** A server that is told what to do with each request, by its number; bytes, because a real one may break off anywhere. */
let server: Server | undefined;
const sockets = new Set<Socket>();
let connections = 0;
let requests = 0;

const serve = async (onRequest: (socket: Socket, request: number) => void): Promise<string> => {
  connections = 0;
  requests = 0;
  server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", () => {
      requests += 1;
      onRequest(socket, requests);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
};
const answer = (text: string, status = "200 OK", headers = "") =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n${headers}\r\n${text}`;
const open = (url: string, timeoutMs = 5_000, maxBytes?: number) =>
  openHttpPost({ url, headers: {}, timeoutMs, maxBytes });

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
});

describe("posting to an endpoint", () => {
  it("keeps the connection for the next request", async () => {
    const post = open(await serve((socket, request) => socket.write(answer(`${request}`))));
    const answers = [await post("a"), await post("b"), await post("c")];
    expect([answers.map(({ text }) => text), connections]).toEqual([["1", "2", "3"], 1]);
  });

  it("says to whom, how much and with what, and keeps credentials to their header", async () => {
    let asked = "";
    const url = await serve((socket) => socket.write(answer("{}")));
    server?.on("connection", (socket: Socket) => socket.on("data", (bytes) => (asked += bytes)));
    const post = openHttpPost({ url: `${url}v1/key?a=b`, headers: { authorization: "Basic YTpi" }, timeoutMs: 5_000 });
    await post("ünï");
    const [head = "", body] = asked.split("\r\n\r\n");
    const [first, ...lines] = head.split("\r\n");
    expect([first, body]).toEqual(["POST /v1/key?a=b HTTP/1.1", "ünï"]);
    expect(lines.map((line) => line.toLowerCase()).sort()).toEqual([
      "authorization: basic ytpi",
      "connection: keep-alive",
      "content-length: 5",
      `host: ${new URL(url).host}`,
    ]);
  });

  it("posts once more where the server had closed the kept connection at that moment", async () => {
    const post = open(
      await serve((socket, request) => {
        if (request === 2) return socket.resetAndDestroy();
        socket.write(answer(`${request}`));
      }),
    );
    await post("a");
    expect([(await post("b")).text, connections]).toEqual(["3", 2]);
  });

  it("does not post again where a fresh connection breaks", async () => {
    const post = open(await serve((socket) => socket.resetAndDestroy()));
    await expect(post("a")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(requests).toBe(1);
  });

  it("gives up on an answer that stops half way", async () => {
    const half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    const post = open(await serve((socket) => socket.write(half)), 100);
    await expect(post("a")).rejects.toThrow();
    const broken = open(await serve((socket) => socket.end(half)));
    await expect(broken("a")).rejects.toMatchObject({ code: "ECONNRESET" });
    const silent = open(await serve(() => undefined), 100);
    await expect(silent("a")).rejects.toBeInstanceOf(TimeoutError);
  });

  it("reads an answer that comes in many pieces, with letters cut in the middle", async () => {
    const bytes = Buffer.from(answer("ünïcödé 🦀".repeat(50)));
    const post = open(
      await serve(async (socket) => {
        for (let at = 0; at < bytes.length; at += 7) {
          socket.write(bytes.subarray(at, at + 7));
          if (at % 70 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
      }),
    );
    expect([await post("a"), await post("b")].map(({ text }) => text)).toEqual(Array(2).fill("ünïcödé 🦀".repeat(50)));
  });

  it("does not follow a redirect: a credential would go with it", async () => {
    const elsewhere = "Location: http://127.0.0.1:1/\r\n";
    const post = open(await serve((socket) => socket.write(answer("", "307 Temporary Redirect", elsewhere))));
    expect(await post("a")).toMatchObject({ status: 307 });
    expect(requests).toBe(1);
  });
});

describe("an answer that is too long", () => {
  const endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

  it.each([
    ["in large pieces", 10_000, 100],
    ["byte by byte, where each takes more memory than it is long", 1, 1_000],
  ])("is not read to its end, and its connection is closed: %s", async (_, size, most) => {
    let pieces = 0;
    const url = await serve(async (socket) => {
      socket.write(endless);
      while (!socket.destroyed && pieces < most) {
        pieces += 1;
        socket.write(`${size.toString(16)}\r\n${"x".repeat(size)}\r\n`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const error = await open(url, 5_000, 100_000)("a").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TooLongError);
    expect(asksForLess((error as Error).message)).toBe(true);
    await vi.waitUntil(() => [...sockets].every(({ destroyed }) => destroyed), { timeout: 20_000 });
  });

  it("is one, too, that comes with others that are as long, and the next one is read", async () => {
    const begun: Socket[] = [];
    const url = await serve((socket) => {
      begun.push(socket);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 8001\r\n\r\n${"x".repeat(8_000)}`);
    });
    const post = open(url, 5_000, 10_000);
    const answers = Array.from({ length: 5 }, () => post("a"));
    await expect(Promise.race(answers)).rejects.toBeInstanceOf(TooLongError);
    for (const socket of begun) socket.write("x");
    const outcomes = await Promise.allSettled(answers);
    expect(outcomes.map(({ status }) => status).sort()).toEqual([...Array(4).fill("fulfilled"), "rejected"]);
    const again = post("a");
    await vi.waitUntil(() => begun.length === 6, { timeout: 20_000 });
    begun[5]?.write("x");
    expect((await again).text).toHaveLength(8_001);
  });
});
