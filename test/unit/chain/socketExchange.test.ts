import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createJsonRpc } from "../../../src/chain/createJsonRpc.ts";
import { EndpointError } from "../../../src/chain/endpoints/endpointError.ts";
import { type HttpRpc, RpcError, resultOf } from "../../../src/chain/jsonRpc.ts";
import { socketExchange } from "../../../src/chain/socketExchange.ts";
import { closedPort } from "../../support/closedPort.ts";
import { type Peer, startWebSocketServer, type WebSocketServer } from "../../support/webSocketServer.ts";

type Call = { readonly id: number; readonly method: string; readonly params: readonly unknown[] };
type Behaviour = (calls: readonly Call[], peer: Peer, connection: number) => void;

let server: WebSocketServer;
/** The methods of each message, as they came. */
let asked: string[][];
let authorization: string | undefined;
afterEach(() => server.stop());

const credential = "Zq3vX9secretTOKEN8";
const serve = async (behave: Behaviour, { timeoutMs = 5_000, port = 0 } = {}): Promise<HttpRpc> => {
  asked = [];
  server = await startWebSocketServer(
    {
      onMessage: (message: unknown, peer, connection) => {
        const calls = [message].flat() as Call[];
        asked.push(calls.map(({ method }) => method));
        behave(calls, peer, connection);
      },
      onUpgrade: (headers) => {
        authorization = headers.authorization;
      },
    },
    { port },
  );
  const url = `ws://us%20er:p%40ss@127.0.0.1:${server.port}/v3/${credential}?key=${credential}`;
  return createJsonRpc({ url, timeoutMs });
};
const result = ({ id, method }: Call) => ({ jsonrpc: "2.0", id, result: method });
/** One object for one call, an array for several. */
const echo: Behaviour = (calls, peer) => peer.send(calls.length === 1 ? result(calls[0] as Call) : calls.map(result));
const calls = (...methods: string[]) => methods.map((method) => ({ method, params: [] }));
const batch = async (rpc: HttpRpc, ...methods: string[]) => (await rpc.batch(calls(...methods))).map(resultOf);
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable("it did not fail"),
    (error: EndpointError) => error,
  );

describe("requests over a WebSocket", () => {
  it("share one connection, alone and in batches, and their answers may come in any order", async () => {
    const held: (() => void)[] = [];
    const rpc = await serve((of, peer) => {
      held.push(() => echo(of.toReversed(), peer, 1));
      if (held.length === 40) for (const answer of held.toReversed()) answer();
    });
    const all = Array.from({ length: 20 }, (_, n) => [rpc.call(`one ${n}`), batch(rpc, `a ${n}`, `b ${n}`)]).flat();
    expect(await Promise.all(all)).toEqual(
      Array.from({ length: 20 }, (_, n) => [`one ${n}`, [`a ${n}`, `b ${n}`]]).flat(),
    );
    expect(server.count()).toBe(1);
  });

  it("open it with the first one, and put the user part of the URL into a header", async () => {
    const rpc = await serve(echo);
    expect(server.count()).toBe(0);
    await rpc.call("eth_chainId");
    expect(authorization).toBe(`Basic ${Buffer.from("us er:p@ss").toString("base64")}`);
    expect(rpc.name).toBe(`127.0.0.1:${server.port}`);
  });

  it("do not stand behind logs, which may be long", async () => {
    const over = new Map<unknown, number>();
    const rpc = await serve((of, peer, connection) => {
      over.set(of[0]?.method, connection);
      if (of[0]?.method !== "eth_getLogs") echo(of, peer, connection);
    });
    void rpc.call("eth_getLogs").catch(() => undefined);
    expect([await rpc.call("pay"), await batch(rpc, "a", "b")]).toEqual(["pay", ["a", "b"]]);
    await vi.waitUntil(() => over.has("eth_getLogs"), { timeout: 20_000 });
    expect(over.get("a")).toBe(over.get("pay"));
    expect(over.get("eth_getLogs")).not.toBe(over.get("pay"));
  });

  it("take what belongs to nobody for nothing: other ids, and what subscribers are told", async () => {
    const rpc = await serve((of, peer) => {
      const stranger = { jsonrpc: "2.0", id: 9_999, result: "another's" };
      peer.send(stranger);
      peer.send({ jsonrpc: "2.0", id: 9_998, error: { code: -32000, message: "nonce too low" } });
      peer.send({ jsonrpc: "2.0", method: "eth_subscription", params: { subscription: "0x1", result: {} } });
      peer.send([]);
      peer.send([stranger, ...of.map(result)]);
    });
    expect([await rpc.call("a"), await batch(rpc, "b", "c")]).toEqual(["a", ["b", "c"]]);
  });

  it("read a long answer, and write a long request", async () => {
    const long = "ü".repeat(300_000);
    const rpc = await serve(([call], peer) => peer.send({ id: call?.id, result: call?.params[0] }));
    expect(await rpc.call("echo", long)).toBe(long);
  });

  it("tell a node's refusal from a fault of the endpoint", async () => {
    const error = { code: 3, message: "execution reverted", data: "0x12" };
    const rpc = await serve(([call], peer) => peer.send({ jsonrpc: "2.0", id: call?.id, error }));
    await expect(rpc.call("eth_call")).rejects.toMatchObject({ rpcCode: 3, data: "0x12" });
  });

  it("say so where a batch's answer has holes", async () => {
    const rpc = await serve((of, peer) => peer.send(of.slice(1).map(result)));
    await expect(batch(rpc, "a", "b", "c")).rejects.toThrow(/holes/);
  });
});

describe("a WebSocket that ends", () => {
  it("fails at once what is under way, and the next request opens another", async () => {
    const rpc = await serve((of, peer, connection) => {
      if (of[0]?.method === "cut") peer.cut();
      else if (connection > 1) echo(of, peer, connection);
    });
    const failures = await Promise.all(["a", "b", "cut"].map((method) => failureOf(rpc.call(method))));
    for (const failure of failures) expect(failure).toBeInstanceOf(EndpointError);
    expect(failures[0]?.message).toMatch(/^the endpoint 127\.0\.0\.1:\d+ did not answer: its WebSocket/);
    expect([await rpc.call("again"), server.count()]).toEqual(["again", 2]);
  });

  it.each(["cut", "close"] as const)("is opened anew where it ended between two requests (%s)", async (how) => {
    const rpc = await serve((of, peer, connection) => {
      echo(of, peer, connection);
      if (connection === 1) peer[how]();
    });
    await rpc.call("a");
    await vi.waitUntil(() => server.open() === 0, { timeout: 20_000 });
    expect([await rpc.call("b"), server.count()]).toEqual(["b", 2]);
  });

  it("is asked once more, over another, what a kept one was closed upon; what had been asked before is not", async () => {
    const rpc = await serve((of, peer, connection) => {
      const method = of[0]?.method;
      if (method === "slow") return;
      if (method === "second" && connection === 1) peer.cut();
      else echo(of, peer, connection);
    });
    const slow = failureOf(rpc.call("slow"));
    await rpc.call("first");
    expect(await rpc.call("second")).toBe("second");
    expect((await slow).wasStale).toBe(false);
    expect(asked.flat()).toEqual(["slow", "first", "second", "second"]);
  });

  it("because of a message's length narrows the widest batch; the others are asked once more", async () => {
    const rpc = await serve((of, peer, connection) => {
      if (of.length === 3) peer.close(1009);
      else if (connection > 1 || of[0]?.method === "first") echo(of, peer, connection);
    });
    await rpc.call("first");
    const [single, narrow, wide] = [rpc.call("pay"), batch(rpc, "a", "b"), failureOf(batch(rpc, "c", "d", "e"))];
    expect(await wide).toMatchObject({
      status: 413,
      wasStale: false,
      message: expect.stringMatching(/closed \(1009\)/),
    });
    expect([await single, await narrow]).toEqual(["pay", ["a", "b"]]);
    expect(asked.filter((methods) => methods.length === 3)).toHaveLength(1);
  });

  it("because of an answer's length, too, and logs are known not to be the endpoint's fault", async () => {
    let awaited = 0;
    await serve((_of, peer) => asked.length === awaited && peer.send({ result: "x".repeat(2_000) }));
    const exchange = socketExchange({ url: server.url, name: "node", timeoutMs: 5_000, maxMessageLength: 1_000 });
    /** Asks for all at once, is answered by something long, and tells how each of them fails. */
    const codes = async (...requests: string[][]) => {
      [asked, awaited] = [[], requests.length];
      const failures = requests.map((methods, at) =>
        failureOf(exchange(methods.map((method, id) => ({ jsonrpc: "2.0", id: 10 * at + id, method, params: [] })))),
      );
      return (await Promise.all(failures)).map(({ code }) => code);
    };
    const [long, other] = ["ANSWER_TOO_LONG", "ENDPOINT_UNAVAILABLE"];
    expect(await codes(["pay"], ["a", "b"], ["c", "d", "e"])).toEqual([other, other, long]);
    expect(await codes(["eth_getLogs"], ["eth_getLogs", "block"])).toEqual([long, long]);
  });

  it("does not ask for ever where each new one is closed, too", async () => {
    const rpc = await serve((of, peer) => (of[0]?.method === "first" ? echo(of, peer, 1) : peer.cut()));
    await rpc.call("first");
    await expect(rpc.call("second")).rejects.toThrow(/its WebSocket/);
    expect(asked.flat()).toEqual(["first", "second", "second"]);
  });

  it.each<[string, (peer: Peer) => void, RegExp]>([
    ["is no JSON", (peer) => peer.send("<html>"), /not JSON/],
    ["is null", (peer) => peer.send("null"), /not what it should be/],
    ["is too long", (peer) => peer.send({ result: "x".repeat(2_000) }), /an answer of 2013 characters is too large/],
  ])("because a message %s says so, to whatever is under way", async (_, say, why) => {
    await serve((_of, peer) => say(peer));
    const exchange = socketExchange({ url: server.url, name: "node", timeoutMs: 5_000, maxMessageLength: 1_000 });
    await expect(exchange([{ jsonrpc: "2.0", id: 1, method: "a", params: [] }])).rejects.toThrow(why);
    await vi.waitUntil(() => server.open() === 0, { timeout: 20_000 });
  });
});

describe("a request that takes too long", () => {
  it("fails alone where others are answered meanwhile", async () => {
    const rpc = await serve((of, peer) => of[0]?.method !== "slow" && echo(of, peer, 1), { timeoutMs: 1_000 });
    const slow = failureOf(rpc.call("slow"));
    await rpc.call("other");
    expect((await slow).message).toMatch(/no answer within 1000 ms/);
    expect([await rpc.call("a"), server.count()]).toEqual(["a", 1]);
  });

  it("ends the connection where nothing came over it since: the next one has another", async () => {
    const rpc = await serve((of, peer, connection) => connection > 1 && echo(of, peer, connection), {
      timeoutMs: 1_000,
    });
    await expect(rpc.call("a")).rejects.toThrow(/no answer within 1000 ms/);
    expect([await rpc.call("b"), server.count()]).toEqual(["b", 2]);
    await vi.waitUntil(() => server.open() === 1, { timeout: 20_000 });
  });

  it("counts from its own beginning, the opening included", async () => {
    await serve(echo);
    const mute = createServer().listen(0, "127.0.0.1");
    mute.on("upgrade", () => undefined);
    await once(mute, "listening");
    const url = `ws://127.0.0.1:${(mute.address() as AddressInfo).port}`;
    await expect(createJsonRpc({ url, timeoutMs: 100 }).call("a")).rejects.toThrow(/no answer within 100 ms/);
    mute.closeAllConnections();
    mute.close();
  });
});

describe("a refusal without an id", () => {
  const refusal = { jsonrpc: "2.0", id: null, error: { code: -32600, message: "batches are not supported" } };

  it.each([refusal, { ...refusal, id: undefined }])(
    "is the word on the one request that is under way: %j",
    async (word) => {
      const rpc = await serve((_, peer) => peer.send(word));
      for (const answer of await rpc.batch(calls("a", "b"))) expect(() => resultOf(answer)).toThrow(RpcError);
      await expect(rpc.call("a")).rejects.toThrow(/batches are not supported/);
    },
  );

  it("is laid to the widest batch where several are under way, and to nobody as the node's word", async () => {
    let peers: (() => void)[] = [];
    const rpc = await serve((of, peer) => {
      if (of.length === 3) return peer.send(refusal);
      peers.push(() => echo(of, peer, 1));
    });
    const [single, narrow, wide] = [rpc.call("pay"), batch(rpc, "a", "b"), failureOf(batch(rpc, "c", "d", "e"))];
    expect(await wide).toMatchObject({
      status: 413,
      message: expect.stringMatching(/refused one of 3 requests, and did not say which$/),
      cause: expect.objectContaining({ message: "batches are not supported" }),
    });
    for (const answer of peers) answer();
    peers = [];
    expect([await single, await narrow]).toEqual(["pay", ["a", "b"]]);
  });

  it("ends the connection where it may be about any of several: all may be asked again", async () => {
    const rpc = await serve((of, peer) => of[0]?.method === "b" && peer.send(refusal));
    const failures = await Promise.all(["a", "b"].map((method) => failureOf(rpc.call(method))));
    for (const failure of failures) expect(failure).toBeInstanceOf(EndpointError);
    expect(failures[0]?.message).toMatch(/refused one of 2 requests, and did not say which$/);
    expect(failures[0]?.cause).toMatchObject({ message: "batches are not supported" });
  });

  it("is the word on nobody after a batch was given up for another one: it may be about that", async () => {
    const rpc = await serve((of, peer) => of.length === 2 && [refusal, refusal].forEach(peer.send));
    const failures = await Promise.all([failureOf(rpc.call("pay")), failureOf(batch(rpc, "a", "b"))]);
    for (const failure of failures) expect(failure).toBeInstanceOf(EndpointError);
    expect(failures.map(({ status }) => status)).toEqual([undefined, 413]);
  });

  it("is the word on nobody after a request was given up for want of an answer: it may be the late one to that", async () => {
    const rpc = await serve(
      (of, peer) => (of[0]?.method === "pay" ? peer.send(refusal) : of[0]?.method !== "slow" && echo(of, peer, 1)),
      { timeoutMs: 300 },
    );
    const slow = failureOf(rpc.call("slow"));
    await rpc.call("other");
    await slow;
    expect(await failureOf(rpc.call("pay"))).toBeInstanceOf(EndpointError);
    expect(server.count()).toBe(1);
  });

  it("that speaks of a rate limit is one for all that are under way, and nobody's size", async () => {
    const limit = { jsonrpc: "2.0", id: null, error: { code: -32005, message: "too many requests" } };
    const rpc = await serve((of, peer) => of[0]?.method === "c" && peer.send(limit));
    const failures = await Promise.all([rpc.call("pay"), batch(rpc, "a", "b"), rpc.call("c")].map(failureOf));
    expect(failures.map(({ status }) => status)).toEqual([429, 429, 429]);
  });

  it("that is of the account is one for all that are under way, and says nothing of a payment", async () => {
    const revoked = { jsonrpc: "2.0", id: null, error: { code: -32001, message: "invalid api key" } };
    const rpc = await serve((of, peer) => of[0]?.method === "c" && peer.send(revoked));
    const failures = await Promise.all([rpc.call("pay"), batch(rpc, "a", "b"), rpc.call("c")].map(failureOf));
    expect(failures.map(({ code, cause }) => [code, (cause as Error).message])).toEqual(
      Array(3).fill(["ACCOUNT_REFUSED", "invalid api key"]),
    );
  });

  it.each([1008, 1013])(
    "that comes with the end of the connection (%i) is of a rate limit, too: nothing is asked again at once",
    async (code) => {
      const rpc = await serve((of, peer) =>
        of[0]?.method === "first" ? echo(of, peer, 1) : peer.close(code, "Too many requests"),
      );
      await rpc.call("first");
      expect(await failureOf(rpc.call("second"))).toMatchObject({ status: 429 });
      expect(asked.flat()).toEqual(["first", "second"]);
    },
  );

  it("that comes with the end of the connection is of the account, too", async () => {
    const rpc = await serve((_, peer) => peer.close(1008, "Unauthorized: API key revoked"));
    expect(await failureOf(rpc.call("a"))).toMatchObject({
      code: "ACCOUNT_REFUSED",
      message: expect.stringMatching(/its WebSocket closed \(1008\)$/),
    });
  });
});

describe("what a WebSocket endpoint leaves behind", () => {
  const refusing = async (answer: string) => {
    await serve(echo);
    const http = createServer().listen(0, "127.0.0.1");
    http.on("upgrade", (_, socket) => socket.end(`HTTP/1.1 ${answer}\r\nContent-Length: 0\r\n\r\n`));
    await once(http, "listening");
    const host = `127.0.0.1:${(http.address() as AddressInfo).port}`;
    const failure = await failureOf(
      createJsonRpc({ url: `ws://u:${credential}@${host}/${credential}`, timeoutMs: 5_000 }).call("a"),
    );
    http.close();
    return { failure, host };
  };

  it.each([
    ["401 Unauthorized", "HTTP 401", undefined, "ACCOUNT_REFUSED"],
    ["403 Forbidden", "HTTP 403", undefined, "ACCOUNT_REFUSED"],
    ["429 Too Many Requests", "HTTP 429", 429, "ENDPOINT_UNAVAILABLE"],
    // It is no word on the size of a batch.
    ["400 Bad Request", "HTTP 400", undefined, "ENDPOINT_UNAVAILABLE"],
  ])("is the server's status where it refuses to open one: %s", async (answer, why, status, code) => {
    const { failure, host } = await refusing(answer);
    expect(failure).toMatchObject({ message: `the endpoint ${host} did not answer: ${why}`, status, code });
  });

  it("is a code where nobody listens, and never a credential", async () => {
    await serve(echo);
    const url = `ws://u:${credential}@127.0.0.1:${await closedPort()}/${credential}`;
    const failure = await failureOf(createJsonRpc({ url, timeoutMs: 5_000 }).call("a"));
    expect(failure.message).toMatch(/did not answer: ECONNREFUSED/);
    expect(`${failure.stack}${JSON.stringify(failure)}`).not.toContain(credential);
  });

  it("is no process that goes on: one with an open connection ends when nothing is under way", async () => {
    await serve(echo);
    const program = `
      import { createJsonRpc } from ${JSON.stringify(new URL("../../../src/chain/createJsonRpc.ts", import.meta.url).href)};
      const rpc = createJsonRpc({ url: ${JSON.stringify(server.url)}, timeoutMs: 600_000 });
      console.log(await rpc.call("one"));
      // Both while nothing is under way, and again after that.
      setTimeout(async () => console.log(await rpc.call("two")), 50);`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
    expect(stdout).toBe("one\ntwo\n");
  });
});
