import { setTimeout as sleep } from "node:timers/promises";
import { toHex } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { type Client, createClient, TaskStatus } from "../../src/index.ts";
import { checksummed, type SourceAddress } from "../../src/protocol/brand.ts";
import { type FaultProxy, startFaultProxy } from "../support/faultProxy.ts";
import { startMeddlingProxy } from "../support/meddlingProxy.ts";

/** For a machine that is busy. */
const patience = { timeout: 20_000 };

let devnet: Devnet;
let source: SourceAddress;
let provider: Provider;
let proxy: FaultProxy;
let client: Client;
let ending: AbortController;

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.1 });
  source = await devnet.client.publishSource();
  provider = devnet.createProvider(behaviours.inline());
  await provider.enrol(source);
});
afterAll(() => devnet.stop());
beforeEach(async () => {
  proxy = await startFaultProxy({ port: Number(new URL(devnet.rpc.http).port) });
  ending = new AbortController();
  client = open();
});
afterEach(async () => {
  ending.abort();
  await proxy.stop();
});

const open = (requestTimeoutMs = 5_000) =>
  createClient({
    chain: devnet.chainId,
    rpc: proxy.http,
    ws: proxy.ws,
    pollIntervalMs: 100,
    requestTimeoutMs,
    random: () => 0.5,
  });

/** Until a watcher knows where it begins. */
const hasBegun = () => sleep(1_000);

/** Publishes a task. @returns the transaction's bytes, too. */
async function published() {
  const task = await publish();
  const block = (await testNode(devnet.network, "eth_getBlockByNumber", ["latest", false])) as {
    transactions: string[];
  };
  const raw = await testNode(devnet.network, "eth_getRawTransactionByHash", [block.transactions[0]]);
  return { task, raw };
}
const publish = async () => checksummed(await devnet.client.publishTask({ source, config: "{}" }));

/** Takes events until the given number is there. */
async function take<T>(events: AsyncIterable<T>, count: number): Promise<readonly T[]> {
  const taken: T[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}

describe("the watchers", () => {
  it("tell of tasks, responses and their changes, in order, from the moment that they were called", async () => {
    const { signal } = ending;
    const published = client.watchTaskPublished({ source, signal });
    const elsewhere = client.watchTaskPublished({ source: devnet.deployment.vault, signal });
    const nothing = elsewhere.next();
    await hasBegun();
    const task = await publish();
    const other = await publish();
    const submitted = client.watchResponseSubmitted({ task, signal });
    const changed = client.watchTaskStatusChanged({ task, signal });
    const paid = client.watchResponseStatusChanged({ signal });
    await hasBegun();
    const { response } = await provider.respondTo(task.toLowerCase() as never);
    await devnet.client.confirmResponse(response);
    expect((await take(published, 2)).map(({ task: told, source: of }) => [told, of])).toEqual([
      [task, checksummed(source)],
      [other, checksummed(source)],
    ]);
    expect(await take(submitted, 1)).toMatchObject([
      { task, response: checksummed(response), blockNumber: expect.any(BigInt) },
    ]);
    const statuses = (await take(changed, 3)).map(({ status }) => status);
    expect(statuses).toEqual([TaskStatus.ATTEMPTED, TaskStatus.RESPONDED, TaskStatus.FINALIZED]);
    expect(await take(paid, 1)).toMatchObject([{ response: checksummed(response), status: 1 }]);
    ending.abort();
    expect(await nothing).toEqual({ done: true, value: undefined });
  });

  it("lose nothing and repeat nothing while sockets drop, the node is away, busy or silent", async () => {
    const { signal } = ending;
    // It is silent for longer than this.
    client = open(500);
    const told = take(client.watchTaskPublished({ source, signal }), 14);
    await expect.poll(() => proxy.openSockets(), patience).toBe(1);
    const tasks: string[] = [];
    const batch = async () => {
      tasks.push(await publish(), await publish());
    };
    await batch();
    for (const fault of [
      { kind: "cut" },
      { kind: "silent" },
      { kind: "busy", ofTen: 5 },
      { kind: "socket-silent" },
      { kind: "upgrade-refused", status: 503 },
    ] as const) {
      proxy.set(fault);
      if (fault.kind === "upgrade-refused") proxy.dropSockets();
      await batch();
      await sleep(300);
      proxy.set({ kind: "none" });
    }
    proxy.dropSockets();
    await batch();
    expect((await told).map(({ task }) => task)).toEqual(tasks);
  });

  it("go on from a block after a restart, and read what lies far behind", async () => {
    const { signal } = ending;
    const first = await publish();
    const [event] = await take(client.watchTaskPublished({ source, fromBlock: 0n, signal }), 1);
    expect(event?.blockNumber).toBeLessThan(await devnet.publicClient.getBlockNumber());
    const fromBlock = (await devnet.publicClient.getBlockNumber({ cacheTime: 0 })) + 1n;
    const second = await publish();
    const [later] = await take(client.watchTaskPublished({ source, fromBlock, signal }), 1);
    expect(later?.task).toBe(second);
    expect([first, second]).not.toContain(event?.task);
    expect(() => client.watchTaskPublished({ fromBlock: -1n })).toThrow("-1 is no block");
    expect(() => client.watchTaskPublished({ source: "0x1" })).toThrow("is not an address");
  });

  it("tell again of what a reorg moves, and of final events once", async () => {
    const { signal } = ending;
    await testNode(devnet.network, "evm_setIntervalMining", [0]);
    await testNode(devnet.network, "evm_setAutomine", [true]);
    const loose = client.watchTaskPublished({ source, signal });
    const strict = client.watchTaskPublished({ source, final: true, signal });
    const firm = take(strict, 1);
    await hasBegun();
    const task = await publish();
    const [seen] = await next(loose, 1);
    expect(seen).toMatchObject({ task });
    await testNode(devnet.network, "anvil_reorg", [1, []]);
    await devnet.mine();
    const again = await publish();
    const [moved] = await next(loose, 1);
    expect(moved?.blockHash).not.toBe(seen?.blockHash);
    await devnet.mine(5);
    expect(await firm).toMatchObject([{ task: again }]);
  });

  it("tell of nothing older where a reorg takes the block that they began at, and of what it puts there", async () => {
    const { signal } = ending;
    await publish();
    const { task, raw } = await published();
    await publish();
    const told = client.watchTaskPublished({ source, signal });
    const firm = take(client.watchTaskPublished({ source, signal, final: true }), 2);
    await hasBegun();
    await testNode(devnet.network, "anvil_reorg", [2, [[raw, 1]]]);
    const later = await publish();
    expect((await next(told, 2)).map((event) => event.task)).toEqual([task, later]);
    await devnet.mine(5);
    expect((await firm).map((event) => event.task)).toEqual([task, later]);
  });

  it("end by an abort that comes while the chain, which stands still, is asked", async () => {
    const meddling = await startMeddlingProxy(devnet.rpc.http);
    try {
      const slow = createClient({ chain: devnet.chainId, rpc: meddling.http, pollIntervalMs: 100 });
      const head = toHex(await devnet.publicClient.getBlockNumber({ cacheTime: 0 }));
      let asked = 0;
      meddling.set(async ({ method, params }) => {
        // At the second look: until then the head that it began with is news.
        if (method !== "eth_getBlockByNumber" || params[0] !== head || ++asked < 2) return undefined;
        ending.abort();
        await sleep(100);
        return undefined;
      });
      const end = slow.watchTaskPublished({ signal: ending.signal }).next();
      expect(await Promise.race([end, sleep(5_000)])).toEqual({ done: true, value: undefined });
      expect(asked).toBeGreaterThan(1);
    } finally {
      await meddling.stop();
    }
  });
});

/** Takes some without ending the iteration. */
async function next<T>(events: AsyncGenerator<T, void>, count: number): Promise<readonly T[]> {
  const taken: T[] = [];
  while (taken.length < count) {
    const { value, done } = await events.next();
    if (done) break;
    taken.push(value as T);
  }
  return taken;
}
