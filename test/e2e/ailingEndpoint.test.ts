import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import type { Hex } from "../../src/protocol/brand.ts";
import { type AilingEndpoint, startAilingEndpoint } from "../support/ailingEndpoint.ts";

let devnet: Devnet;
let endpoint: AilingEndpoint;
beforeAll(async () => {
  devnet = await startDevnet();
  await devnet.mine(20);
  await testNode(devnet.network, "evm_setAutomine", [false]);
});
afterAll(() => devnet.stop());
beforeEach(async () => {
  endpoint = await startAilingEndpoint(devnet.rpc);
});
afterEach(() => endpoint.stop());

const ask = (way: "http" | "ws", timeoutMs = 5_000) => createJsonRpc({ url: endpoint[way], timeoutMs });
const node = () => createJsonRpc({ url: devnet.rpc.http, timeoutMs: 5_000 });
const head = async () => BigInt(await node().call<Hex>("eth_blockNumber"));
const waits = async () =>
  Number(await node().call<Hex>("eth_getTransactionCount", devnet.accounts.agent.address, "pending"));
/** In the next nonce that the node would take. */
const signed = async (): Promise<Hex> =>
  devnet.accounts.agent.signTransaction({
    ...{ type: "eip1559", chainId: devnet.chainId, to: devnet.accounts.stranger.address, gas: 21_000n },
    ...{ nonce: await waits(), maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n },
  });

it.each(["http", "ws"] as const)("passes everything on over %s while it is well", async (way) => {
  const raw = await signed();
  const before = await waits();
  expect(await ask(way).call("eth_sendRawTransaction", raw)).toMatch(/^0x/);
  expect(await waits()).toBe(before + 1);
  expect(BigInt(await ask(way).call<Hex>("eth_blockNumber"))).toBe(await head());
});

it.each(["http", "ws"] as const)(
  "answers a transaction's own hash over %s, and takes none, while it swallows them",
  async (way) => {
    await endpoint.set({ kind: "swallows transactions" });
    const raw = await signed();
    const before = await waits();
    const hash = await ask(way).call<Hex>("eth_sendRawTransaction", raw);
    expect(await waits()).toBe(before);
    expect(await node().call("eth_sendRawTransaction", raw)).toBe(hash);
  },
);

it.each(["http", "ws"] as const)("takes a transaction over %s, and cuts the connection for an answer", async (way) => {
  await endpoint.set({ kind: "loses answers to transactions" });
  const before = await waits();
  await expect(ask(way).call("eth_sendRawTransaction", await signed())).rejects.toThrow(/did not answer/);
  expect(await waits()).toBe(before + 1);
  expect(BigInt(await ask(way).call<Hex>("eth_blockNumber"))).toBe(await head());
});

it.each(["http", "ws"] as const)("refuses, hangs or is late over %s", async (way) => {
  await endpoint.set({ kind: "refuses" });
  await expect(ask(way).call("eth_blockNumber")).rejects.toThrow(/did not answer/);
  await endpoint.set({ kind: "hangs", passesOn: false });
  await expect(ask(way, 300).call("eth_blockNumber")).rejects.toThrow(/within 300 ms/);
  await endpoint.set({ kind: "is late", ms: 400 });
  const asked = performance.now();
  expect(BigInt(await ask(way).call<Hex>("eth_blockNumber"))).toBe(await head());
  expect(performance.now() - asked).toBeGreaterThan(390);
});

it("shows the chain of some blocks ago, moving or stuck, without what came since", async () => {
  await node().call("eth_sendRawTransaction", await signed());
  const at = { mined: await node().call<Hex>("eth_getTransactionCount", devnet.accounts.agent.address, "latest") };
  await devnet.mine(1);
  const tells = async () => {
    const [number, block, beyond, count] = await ask("http").batch([
      { method: "eth_blockNumber", params: [] },
      { method: "eth_getBlockByNumber", params: ["latest", false] },
      { method: "eth_getBlockByNumber", params: [`0x${(await head()).toString(16)}`, false] },
      { method: "eth_getTransactionCount", params: [devnet.accounts.agent.address, "latest"] },
    ]);
    return { number, block, beyond, count };
  };
  const then = `0x${((await head()) - 1n).toString(16)}`;
  const past = { number: { result: then }, beyond: { result: null }, count: { result: at.mined } };
  await endpoint.set({ kind: "is behind", blocks: 1, isStuck: false });
  expect(await tells()).toMatchObject({ ...past, block: { result: { number: then } } });
  await endpoint.set({ kind: "is behind", blocks: 1, isStuck: true });
  await devnet.mine(3);
  expect(await tells()).toMatchObject(past);
  await endpoint.set({ kind: "is behind", blocks: 1, isStuck: false });
  expect(await tells()).not.toMatchObject(past);
});

it("has no receipts of what is mined", async () => {
  const hash = await node().call<Hex>("eth_sendRawTransaction", await signed());
  await devnet.mine(1);
  expect(await ask("http").call("eth_getTransactionReceipt", hash)).toMatchObject({ status: "0x1" });
  await endpoint.set({ kind: "has no receipts" });
  expect(await ask("http").call("eth_getTransactionReceipt", hash)).toBeNull();
});

it("pushes heads on a subscription, and none while it hangs; a cut ends it", async () => {
  const socket = new WebSocket(endpoint.ws);
  await once(socket, "open");
  const pushed: number[] = [];
  socket.addEventListener("message", ({ data }) => {
    const { params } = JSON.parse(data as string);
    if (params) pushed.push(Number(params.result.number));
  });
  const opened = once(socket, "message");
  socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_subscribe", params: ["newHeads"] }));
  await opened;
  await devnet.mine(1);
  const first = Number(await head());
  await expect.poll(() => pushed).toEqual([first]);
  await endpoint.set({ kind: "hangs", passesOn: false });
  await devnet.mine(1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await endpoint.set({ kind: "none" });
  await devnet.mine(1);
  await expect.poll(() => pushed).toEqual([first, first + 2]);
  const closed = once(socket, "close");
  endpoint.cut();
  await closed;
});
