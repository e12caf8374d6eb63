import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openStopwatchProxy, type StopwatchProxy } from "../../../bench/latency/stopwatchProxy.ts";
import { eventTopics } from "../../../src/protocol/events.ts";
import { startWebSocketServer, type WebSocketServer } from "../../support/webSocketServer.ts";

type Call = { readonly id: number; readonly method: string; readonly params: readonly string[] };

const word = `0x${"a".repeat(64)}`;
const longCall = "0x".padEnd(70_000, "1");
let held: unknown;
let node: WebSocketServer;
let proxy: StopwatchProxy;
let socket: WebSocket;

beforeEach(async () => {
  node = await startWebSocketServer({
    onMessage: (message: unknown, peer) => {
      const calls = [message].flat() as Call[];
      if (calls[0]?.method === "push")
        return peer.send({ method: "eth_subscription", params: { result: { topics: [calls[0].params[0]] } } });
      const answers = calls.map(({ id, method, params }) => ({
        id,
        result: method === "eth_getLogs" ? [{ topics: params }] : word,
      }));
      const answer = answers.length === 1 ? answers[0] : answers;
      if (calls[0]?.params[0] === "held") held = answer;
      else if (calls[0]?.method === "release") peer.send(held);
      else peer.send(answer);
    },
  });
  proxy = await openStopwatchProxy(node.port);
  socket = new WebSocket(proxy.ws);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
});
afterEach(async () => {
  socket.close();
  await proxy.close();
  await node.stop();
});

const ask = (message: unknown) =>
  new Promise((resolve) => {
    socket.addEventListener("message", resolve, { once: true });
    socket.send(JSON.stringify(message));
  });
const isOver = (measured: Promise<number>) => Promise.race([measured.then(() => true), setImmediate(false)]);

it("measures from the event to the answer of the transaction, whatever else is answered with one word", async () => {
  const send = { id: 5, method: "eth_sendRawTransaction", params: ["0x"] };
  await ask({ id: 1, method: "push", params: [eventTopics.ResponseSubmitted] });
  const measured = proxy.next();
  await ask({ ...send, id: 2 });
  await ask({ id: 3, method: "push", params: [eventTopics.TaskPublished] });
  await ask({ id: 3, method: "eth_getLogs", params: [eventTopics.ResponseSubmitted] });
  await ask({ ...send, id: 3 });
  await ask({ id: 4, method: "push", params: [eventTopics.ResponseSubmitted] });
  await ask({ id: 4, method: "eth_call", params: [longCall] });
  await ask([
    { id: 2, method: "eth_call", params: [] },
    { id: 3, method: "eth_call", params: [] },
  ]);
  expect(await isOver(measured)).toBe(false);
  socket.send(JSON.stringify({ ...send, params: ["held"] }));
  await ask({ id: 6, method: "eth_call", params: [] });
  expect(await isOver(measured)).toBe(false);
  await ask({ id: 7, method: "release", params: [] });
  expect(await isOver(measured)).toBe(true);
  expect(await measured).toBeGreaterThan(0);
});
