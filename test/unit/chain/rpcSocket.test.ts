import { asyncScheduler, type Subscription } from "rxjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { rpcSocket$, type SocketMessage } from "../../../src/chain/rpcSocket.ts";
import { type Peer, startWebSocketServer, type WebSocketServer } from "../../support/webSocketServer.ts";

type Call = { id: number; method: string; params: unknown[] };
type Behaviour = (call: Call, peer: Peer, connection: number) => void;

const block = { number: "0x10", hash: `0x${"b".repeat(64)}`, parentHash: `0x${"a".repeat(64)}`, timestamp: "0x5" };
const log = { address: "0x1", topics: [], data: "0x", blockNumber: "0x10", blockHash: block.hash, logIndex: "0x0" };
const logs = { address: "0x2b0cC6058313801D5feb184a539e3a0C5A87a6a1", topics: [["0xfeed"]] };

/** What an honest node does. */
const answer: Behaviour = ({ id, method, params }, peer) => {
  const result = method === "eth_subscribe" ? `0x${params[0] === "newHeads" ? 1 : 2}` : "0x10";
  peer.send({ jsonrpc: "2.0", id, result });
};
const push = (peer: Peer, subscription: string, result: unknown) =>
  peer.send({ jsonrpc: "2.0", method: "eth_subscription", params: { subscription, result } });

let server: WebSocketServer | undefined;
let subscription: Subscription | undefined;
let messages: SocketMessage[];
let downs: { error: Error; inMs: number }[];

const serve = async (behaviour: Behaviour, port = 0) => {
  server = await startWebSocketServer({ onMessage: behaviour }, { port });
  return server;
};
const listen = (url: string, heartbeatMs = 5_000) => {
  messages = [];
  downs = [];
  subscription = rpcSocket$({
    urls: [url],
    logs,
    clock: { now: () => 0, scheduler: asyncScheduler },
    heartbeatMs,
    maxBackoffMs: 320,
    random: () => 0,
    onDown: (error, inMs) => downs.push({ error, inMs }),
  }).subscribe((message) => messages.push(message));
};
const ups = () => messages.filter(({ type }) => type === "up").length;
const until = (fits: () => boolean) => vi.waitUntil(fits, { timeout: 10_000, interval: 5 });

afterEach(async () => {
  subscription?.unsubscribe();
  await server?.stop();
  server = undefined;
});

describe("the socket", () => {
  it("subscribes to heads and to the logs asked for, and hands them on", async () => {
    const asked: unknown[] = [];
    const { url } = await serve((call, peer, connection) => {
      asked.push(call.params);
      answer(call, peer, connection);
      if (call.id === 2) {
        push(peer, "0x1", block);
        push(peer, "0x2", log);
        push(peer, "0x99", log);
      }
    });
    listen(url);
    await until(() => messages.length === 3);
    expect(asked).toEqual([["newHeads"], ["logs", logs]]);
    expect(messages.map(({ type }) => type)).toEqual(["up", "head", "log"]);
    expect(messages[1]).toMatchObject({ head: { number: 16n, hash: block.hash } });
  });

  it("is up again after the node went away and came back", async () => {
    const { url, port } = await serve(answer);
    listen(url);
    await until(() => ups() === 1);
    await server?.stop();
    await until(() => downs.length >= 3);
    await serve(answer, port);
    await until(() => ups() === 2);
    expect(downs.map(({ inMs }) => inMs).slice(0, 3)).toEqual([5, 10, 20]);
  });

  it("pauses no longer than it may", async () => {
    listen("ws://127.0.0.1:1");
    await until(() => downs.length >= 8);
    expect(Math.max(...downs.map(({ inMs }) => inMs))).toBe(160);
  });

  it.each<[string, Behaviour, RegExp]>([
    [
      "refuses a subscription",
      (call, peer) => peer.send({ id: call.id, error: { code: -32601, message: "no subscriptions here" } }),
      /no subscriptions here/,
    ],
    ["sends what is not JSON", (_, peer) => peer.send("<html>"), /not what it should be/],
    ["sends null", (_, peer) => peer.send("null"), /not what it should be/],
    [
      "sends a head without a number",
      (call, peer, connection) => {
        answer(call, peer, connection);
        if (call.id === 2) push(peer, "0x1", { hash: block.hash });
      },
      /not what it should be/,
    ],
    [
      "sends a log without topics",
      (call, peer, connection) => {
        answer(call, peer, connection);
        if (call.id === 2) push(peer, "0x2", { ...log, topics: undefined });
      },
      /not what it should be/,
    ],
    ["cuts the connection", (_, peer) => peer.cut(), /closed|broke/],
  ])("tries again when the node %s", async (_, behaviour, why) => {
    const { url } = await serve((call, peer, connection) =>
      (connection === 1 ? behaviour : answer)(call, peer, connection),
    );
    listen(url);
    await until(() => downs.length === 1 && ups() >= 1 && (server?.count() ?? 0) === 2);
    expect(downs[0]?.error.message).toMatch(why);
  });

  it("gives up a node that is silent, however open the connection stays", async () => {
    const { url } = await serve((call, peer, connection) => connection > 1 && answer(call, peer, connection));
    listen(url, 1_000);
    await until(() => ups() === 1);
    expect(downs).toHaveLength(1);
    expect(downs[0]?.error.message).toMatch(/it was not up within 2000 ms/);
  });

  it("asks for a sign of life, and lives on it while nothing happens", async () => {
    const { url } = await serve(answer);
    listen(url, 500);
    await until(() => messages.filter(({ type }) => type === "heartbeat").length >= 4);
    expect(downs).toEqual([]);
  });

  it("goes to the next one where the key is revoked while it is open: what answers like this sends no logs either", async () => {
    let beats = 0;
    const { url } = await serve((call, peer, connection) => {
      if (connection > 1 || call.method === "eth_subscribe" || ++beats < 3) return answer(call, peer, connection);
      peer.send({ jsonrpc: "2.0", id: call.id, error: { code: -32001, message: "invalid api key" } });
    });
    listen(url, 500);
    await until(() => ups() === 2);
    expect(downs.map(({ error }) => error.message)).toEqual([
      `the WebSocket to ${new URL(url).host} ended: the node refused: invalid api key`,
    ]);
    expect(downs[0]?.error).toMatchObject({ remedy: expect.stringMatching(/look at its key, its plan and its bill/) });
  });

  it("takes any other refusal of a heartbeat for a sign of life", async () => {
    const { url } = await serve((call, peer, connection) => {
      if (call.method === "eth_subscribe") return answer(call, peer, connection);
      peer.send({ jsonrpc: "2.0", id: call.id, error: { code: -32601, message: "method not found" } });
    });
    listen(url, 500);
    await until(() => messages.filter(({ type }) => type === "heartbeat").length >= 3);
    expect(downs).toEqual([]);
  });

  it("closes the connection when nobody listens any more", async () => {
    let closed = false;
    const { url } = await serve(answer);
    listen(url);
    await until(() => ups() === 1);
    subscription?.unsubscribe();
    await server?.stop().then(() => {
      closed = true;
    });
    server = undefined;
    expect([closed, downs]).toEqual([true, []]);
  });

  it("shows no credential of its URL", async () => {
    listen("ws://127.0.0.1:1/v3/Zq3vX9secretTOKEN8");
    await until(() => downs.length === 1);
    expect(`${downs[0]?.error.stack}`).not.toContain("Zq3vX9");
  });
});
