import { setTimeout as sleep } from "node:timers/promises";
import { Subject, type Subscription } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type RpcSocketOptions, rpcSocket$, type SocketMessage } from "../../../src/chain/rpcSocket.ts";
import { createVirtualTime, type VirtualTime } from "../../support/virtualTime.ts";
import { type Peer, startWebSocketServer, type WebSocketServer } from "../../support/webSocketServer.ts";

type Call = { id: number; method: string; params: unknown[] };
type Behaviour = (call: Call, peer: Peer, connection: number) => void;

const head = (number: bigint) => ({
  number: `0x${number.toString(16)}`,
  hash: `0x${"b".repeat(64)}`,
  parentHash: `0x${"a".repeat(64)}`,
  timestamp: "0x5",
});
const push = (peer: Peer | undefined, number: bigint) =>
  peer?.send({ method: "eth_subscription", params: { subscription: "0x1", result: head(number) } });
/** What an honest node does. */
const answer: Behaviour = ({ id, method, params }, peer) => {
  const result = { eth_subscribe: params[0] === "newHeads" ? "0x1" : "0x2", eth_chainId: "0x42f" }[method];
  peer.send({ jsonrpc: "2.0", id, result: result ?? "0x10" });
};

let servers: WebSocketServer[] = [];
let peers: Peer[];
let subscription: Subscription | undefined;
let messages: SocketMessage[];
let ups: string[];
let downs: { error: Error; inMs: number }[];
let time: VirtualTime;
let headOverHttp: Subject<bigint>;

const serve = async (behaviour: Behaviour = answer, options: { ignoresClose?: boolean } = {}) => {
  const headers: unknown[] = [];
  const server = await startWebSocketServer({
    ...options,
    onUpgrade: ({ authorization }) => headers.push(authorization),
    onMessage: (call, peer, connection) => {
      if (call.id === 1) peers.push(peer);
      behaviour(call, peer, connection);
    },
  });
  servers.push(server);
  return { ...server, headers };
};
const listen = (urls: readonly string[], options: Partial<RpcSocketOptions> = {}) => {
  subscription = rpcSocket$({
    urls,
    logs: { address: "0x2b0cC6058313801D5feb184a539e3a0C5A87a6a1", topics: [["0xfeed"]] },
    clock: time.clock,
    heartbeatMs: 10_000,
    silenceMs: 30_000,
    headOverHttp$: headOverHttp,
    maxBackoffMs: 32_000,
    random: () => 1,
    onUp: (endpoint) => ups.push(endpoint),
    onDown: (error, inMs) => downs.push({ error, inMs }),
    ...options,
  }).subscribe((message) => messages.push(message));
};
const until = (fits: () => boolean) => vi.waitUntil(fits, { timeout: 10_000, interval: 2 });
const heard = (type: SocketMessage["type"]) => messages.filter((message) => message.type === type).length;
const reasons = () => downs.map(({ error }) => error.message);
/** Lets virtual time go on until it has happened. */
const passUntil = async (fits: () => boolean, stepMs = 500) => {
  for (let step = 0; step < 2_000 && !fits(); step++) {
    await time.pass(stepMs);
    await sleep(1);
  }
  expect(fits()).toBe(true);
};

beforeEach(() => {
  [peers, messages, ups, downs] = [[], [], [], []];
  time = createVirtualTime();
  headOverHttp = new Subject();
});
afterEach(async () => {
  subscription?.unsubscribe();
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

describe("silence", () => {
  const upAt = async (number: bigint) => {
    const { url } = await serve();
    headOverHttp = new Subject();
    listen([url]);
    await until(() => heard("up") === 1);
    push(peers[0], number);
    await until(() => heard("head") === 1);
  };
  /** The connection lives: heartbeats are answered, and the chain over HTTP goes on as told. */
  const goOn = async (seconds: number, at: (second: number) => void) => {
    for (let second = 1; second <= seconds; second++) {
      at(second);
      const beats = heard("heartbeat");
      await time.pass(1_000);
      if (time.clock.now() % 10_000 === 0 && downs.length === 0) await until(() => heard("heartbeat") > beats);
    }
  };

  it("ends a socket that brings no heads while HTTP does, though it answers heartbeats", async () => {
    await upAt(100n);
    await goOn(31, (second) => headOverHttp.next(100n + BigInt(second)));
    expect(reasons()).toEqual([expect.stringMatching(/no head for 30000 ms, while HTTP is at block 1\d\d/)]);
    await passUntil(() => heard("up") === 2);
  });

  it("ends a socket that has not brought a single head since it was up", async () => {
    const { url } = await serve();
    headOverHttp = new Subject();
    listen([url]);
    await until(() => heard("up") === 1);
    await goOn(31, (second) => headOverHttp.next(100n + BigInt(second)));
    expect(reasons()).toEqual([expect.stringMatching(/no head for 30000 ms/)]);
  });

  it("is no fault while the chain stands still, nor when it goes on after a long time", async () => {
    await upAt(100n);
    headOverHttp.next(100n);
    await goOn(120, () => undefined);
    headOverHttp.next(101n);
    await goOn(5, () => undefined);
    push(peers[0], 101n);
    await until(() => heard("head") === 2);
    await goOn(60, () => undefined);
    expect(downs).toEqual([]);
  });

  it("is broken by any head, also one that lags", async () => {
    await upAt(100n);
    for (let round = 1; round <= 4; round++) {
      await goOn(20, (second) => headOverHttp.next(100n + BigInt(20 * round + second)));
      push(peers[0], 100n + BigInt(round));
      await until(() => heard("head") === 1 + round);
    }
    expect(downs).toEqual([]);
  });
});

describe("a socket that is ahead", () => {
  const upAt = async (number: bigint) => {
    const { url } = await serve();
    listen([url]);
    await until(() => heard("up") === 1);
    headOverHttp.next(100n);
    push(peers[0], number);
    await until(() => heard("head") === 1);
  };
  const goOn = async (seconds: number, overHttp: (second: number) => bigint, lead: bigint | undefined) => {
    for (let second = 1; second <= seconds && downs.length === 0; second++) {
      headOverHttp.next(overHttp(second));
      const [heads, beats] = [heard("head"), heard("heartbeat")];
      if (lead !== undefined && downs.length === 0) {
        push(peers[0], overHttp(second) + lead);
        await until(() => heard("head") > heads);
      }
      await time.pass(1_000);
      if (time.clock.now() % 10_000 === 0 && downs.length === 0) await until(() => heard("heartbeat") > beats);
    }
  };

  it("is given up where HTTP goes on and does not come to what it told of, and says so", async () => {
    await upAt(300n);
    await goOn(40, (second) => 100n + BigInt(second), 200n);
    expect(reasons()).toEqual([
      expect.stringMatching(/it told of block 300, and HTTP is at block 13\d after 30000 ms/),
    ]);
    expect(time.clock.now()).toBeLessThan(35_000);
  });

  it.each<[string, (second: number) => bigint, bigint | undefined]>([
    ["HTTP comes to each of its heads some blocks later", (second) => 100n + BigInt(second), 3n],
    ["HTTP stands still", () => 100n, 5n],
    ["the chain stands still", () => 101n, undefined],
  ])("is left alone where %s", async (_, overHttp, lead) => {
    await upAt(101n);
    await goOn(70, overHttp, lead);
    expect(downs).toEqual([]);
  });

  it("is left alone where it has corrected itself", async () => {
    await upAt(300n);
    await goOn(70, (second) => 100n + BigInt(second), 0n);
    expect(downs).toEqual([]);
  });
});

describe("heartbeats", () => {
  it("end a socket that pushes heads and answers nothing", async () => {
    const { url } = await serve((call, peer, connection) => {
      if (call.method === "eth_subscribe") answer(call, peer, connection);
      else push(peer, 5n);
    });
    listen([url]);
    await until(() => heard("up") === 1);
    await time.pass(10_000);
    await until(() => heard("head") === 1);
    await time.pass(10_000);
    expect(reasons()).toEqual([expect.stringMatching(/a heartbeat was not answered within 10000 ms/)]);
  });

  it("are not satisfied by the answer to something else", async () => {
    const { url } = await serve((call, peer, connection) =>
      answer(call.method === "eth_subscribe" ? call : { ...call, id: call.id - 1 }, peer, connection),
    );
    listen([url]);
    await until(() => heard("up") === 1);
    await time.pass(20_000);
    expect([heard("heartbeat"), heard("up"), reasons()]).toEqual([
      0,
      1,
      [expect.stringMatching(/heartbeat was not answered/)],
    ]);
  });

  it("are satisfied by a refusal: the node lives", async () => {
    const { url } = await serve((call, peer, connection) => {
      if (call.method === "eth_subscribe") answer(call, peer, connection);
      else peer.send({ id: call.id, error: { code: -32005, message: "rate limit" } });
    });
    listen([url]);
    await until(() => heard("up") === 1);
    await time.pass(10_000);
    await until(() => heard("heartbeat") === 1);
    expect(downs).toEqual([]);
  });
});

describe("several sockets", () => {
  it("take turns: one is open at a time, and all are tried before the pause grows", async () => {
    const good = await serve();
    const urls = ["ws://127.0.0.1:1", "ws://127.0.0.1:2", good.url];
    listen(urls);
    await passUntil(() => ups.length === 1);
    expect(downs.map(({ inMs }) => inMs)).toEqual([1_000, 1_000]);
    expect(ups).toEqual([new URL(good.url).host]);
    peers[0]?.cut();
    await passUntil(() => ups.length === 2);
    expect(downs.map(({ inMs }) => inMs).slice(2)).toEqual([1_000, 2_000, 2_000]);
  });

  it("leave out one that serves another chain", async () => {
    const foreign = await serve((call, peer, connection) =>
      call.method === "eth_chainId" ? peer.send({ id: call.id, result: "0x5" }) : answer(call, peer, connection),
    );
    const good = await serve();
    listen([foreign.url, good.url], { chainId: 1071 });
    await passUntil(() => ups.length === 1);
    expect(reasons()).toEqual([expect.stringMatching(/it serves chain 5, not chain 1071/)]);
    expect(ups).toEqual([new URL(good.url).host]);
  });

  it.each<[string, boolean]>([
    ["before it has said which chain it serves", false],
    ["though it says nothing else", true],
  ])("hand on nothing of one that serves another chain, which pushes heads and logs %s", async (_, isMute) => {
    const foreign = await serve((call, peer) => {
      if (call.method === "eth_chainId") return;
      peer.send({ id: call.id, result: `0x${call.id}` });
      if (call.id !== 2) return;
      peer.send({ method: "eth_subscription", params: { subscription: "0x1", result: head(9_000n) } });
      peer.send({ method: "eth_subscription", params: { subscription: "0x2", result: { topics: [], data: "0x" } } });
      if (!isMute) peer.send({ id: 3, result: "0x5" });
    });
    listen([foreign.url], { chainId: 1071 });
    await passUntil(() => downs.length === 3, 1_000);
    expect([messages, downs.map(({ inMs }) => inMs)]).toEqual([[], [1_000, 2_000, 4_000]]);
  });
});

describe("the pause", () => {
  it("grows while a node takes the subscriptions and closes at once", async () => {
    const { url } = await serve((call, peer, connection) => {
      answer(call, peer, connection);
      if (call.id === 2) peer.cut();
    });
    listen([url]);
    await passUntil(() => downs.length === 7);
    expect(downs.map(({ inMs }) => inMs)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000]);
  });

  it("is short again after a socket has brought something", async () => {
    const { url } = await serve((call, peer, connection) => {
      if (connection < 4) return peer.cut();
      answer(call, peer, connection);
      if (call.id === 2) push(peer, 7n);
    });
    listen([url]);
    await passUntil(() => heard("head") === 1);
    peers.at(-1)?.cut();
    await until(() => downs.length === 4);
    expect(downs.at(-1)?.inMs).toBe(1_000);
  });
});

describe("a socket", () => {
  it.each([[false], [true]])(
    "leaks nothing in 50 reconnects (the node ignores the closing handshake: %s)",
    async (ignoresClose) => {
      const server = await serve(
        (call, peer, connection) => {
          answer(call, peer, connection);
          if (call.id === 2) peer.send("this is not JSON");
        },
        { ignoresClose },
      );
      listen([server.url], { maxBackoffMs: 32 });
      await passUntil(() => server.count() >= 50, 50);
      await until(() => server.open() <= 1);
      subscription?.unsubscribe();
      await until(() => server.open() === 0);
    },
  );

  it("is closed though it was still opening", async () => {
    const server = await serve();
    listen([server.url]);
    subscription?.unsubscribe();
    await sleep(50);
    await until(() => server.open() === 0);
    expect(server.open()).toBe(0);
  });

  it("sends the user part of its URL as a header, and shows it to nobody", async () => {
    const server = await serve((_, peer) => peer.cut());
    listen([server.url.replace("ws://", "ws://us%20er:p%40ss@")]);
    await until(() => downs.length === 1);
    expect(server.headers).toEqual([`Basic ${Buffer.from("us er:p@ss").toString("base64")}`]);
    expect(`${downs[0]?.error.stack}`).not.toMatch(/p@ss|p%40ss/);
  });

  it("ends at a message that is too long", async () => {
    const { url } = await serve((_, peer) => peer.send("x".repeat(2_000)));
    listen([url], { maxMessageLength: 1_000 });
    await until(() => downs.length === 1);
    expect(reasons()).toEqual([expect.stringMatching(/a message of 2000 characters/)]);
  });

  it("is not up by its heads alone, and is given up where it does not come to tell of logs", async () => {
    const { url } = await serve((call, peer, connection) => {
      if (call.id === 1) answer(call, peer, connection);
      if (call.id === 2) push(peer, 7n);
    });
    listen([url]);
    await until(() => heard("head") === 1);
    await time.pass(10_000);
    expect([heard("up"), reasons()]).toEqual([0, []]);
    await time.pass(10_000);
    expect([heard("up"), reasons()]).toEqual([0, [expect.stringMatching(/it was not up within 20000 ms/)]]);
  });

  it("goes on past a message that its parser has dropped", async () => {
    const { url } = await serve((call, peer, connection) => {
      answer(call, peer, connection);
      if (call.id !== 2) return;
      peer.send({ method: "eth_subscription", params: { subscription: "0x2", result: "foreign" } });
      push(peer, 7n);
    });
    listen([url], { parse: (text) => (text.includes("foreign") ? undefined : JSON.parse(text)) });
    await until(() => heard("head") === 1);
    expect([messages.map(({ type }) => type), downs]).toEqual([["up", "head"], []]);
  });

  it("reads a message that comes in pieces, with a ping between them", async () => {
    const { url } = await serve((call, peer, connection) => {
      answer(call, peer, connection);
      if (call.id !== 2) return;
      const text = JSON.stringify({ params: { subscription: "0x1", result: head(7n) } });
      const piece = (first: number, part: string) => Buffer.from([first, part.length, ...Buffer.from(part)]);
      const pieces = text.match(/.{1,100}/g) ?? [];
      for (const [at, part] of pieces.entries()) {
        peer.sendBytes(piece((at === 0 ? 1 : 0) | (at === pieces.length - 1 ? 0x80 : 0), part));
        peer.sendBytes(piece(0x89, "?"));
      }
      push(peer, 8n);
    });
    listen([url]);
    await until(() => heard("head") === 2);
    expect(messages.flatMap((each) => (each.type === "head" ? each.head.number : []))).toEqual([7n, 8n]);
  });

  it.each<[string, readonly number[]]>([
    ["announces a message without an end", [0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0]],
    ["sends what is no frame", [0xff, 0xff, 0xff, 0xff]],
  ])("ends in words that tell the operator something where the node %s", async (_, bytes) => {
    const { url } = await serve((call, peer, connection) => {
      answer(call, peer, connection);
      if (call.id === 2) peer.sendBytes(Buffer.from(bytes));
    });
    listen([url]);
    await until(() => downs.length === 1);
    expect(reasons()).toEqual([expect.stringMatching(/ended: the connection failed$/)]);
  });

  it("brings nothing more once it was given up", async () => {
    const { url } = await serve((call, peer, connection) => {
      answer(call, peer, connection);
      if (call.id !== 2 || connection > 1) return;
      for (const each of ["{", head(1n), head(2n)]) each === "{" ? peer.send(each) : push(peer, 1n);
    });
    listen([url]);
    await until(() => downs.length === 1);
    await sleep(50);
    expect(messages.map(({ type }) => type)).toEqual(["up"]);
  });

  it("comes back after hours without", async () => {
    let isUp = false;
    const { url } = await serve((call, peer, connection) => (isUp ? answer(call, peer, connection) : peer.cut()));
    listen([url]);
    await passUntil(() => time.clock.now() > 2 * 3_600_000, 32_000);
    isUp = true;
    await passUntil(() => ups.length === 1, 1_000);
    expect(downs.length).toBeGreaterThan(100);
  });
});
