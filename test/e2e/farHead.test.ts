import { EMPTY } from "rxjs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import type { ChainPort, Head } from "../../src/chain/chainPort.ts";
import { type ChainDeps, createChain } from "../../src/chain/createChain.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { createEndpoints, type Endpoints } from "../../src/chain/endpoints/createEndpoints.ts";
import { createScanner } from "../../src/chain/scanner.ts";
import { toQuantity } from "../../src/chain/wire.ts";
import type { ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import type { Report } from "../../src/report.ts";
import { type MeddlingProxy, startMeddlingProxy } from "../support/meddlingProxy.ts";
import { stuckAt } from "../support/stuckNode.ts";
import { createVirtualTime, type VirtualTime } from "../support/virtualTime.ts";

let devnet: Devnet;
let liar: MeddlingProxy;
let source: SourceAddress;
let task: TaskAddress;
let response: ResponseAddress;
beforeAll(async () => {
  devnet = await startDevnet();
  liar = await startMeddlingProxy(devnet.rpc.http);
  source = await devnet.client.publishSource();
  task = await devnet.client.publishTask({ source, config: "{}" });
  const provider = devnet.createProvider(behaviours.inline());
  await provider.enrol(source);
  await provider.attempt(task, 1n);
  response = (await provider.submit(task, "one", 1n)).response.toLowerCase() as ResponseAddress;
});
afterAll(async () => {
  await liar.stop();
  await devnet.stop();
});

let reports: Report[];
let endpoints: Endpoints;
let chain: ChainPort;
let time: VirtualTime;
const node = () => createJsonRpc({ url: devnet.rpc.http, timeoutMs: 60_000 });
const mine = (blocks: bigint) => node().call("anvil_mine", toQuantity(blocks));
const newest = async () => BigInt(await node().call<string>("eth_blockNumber"));
const exaggerate = (by: bigint) =>
  liar.set(async ({ method, params }) => {
    if (method === "eth_blockNumber") return { result: toQuantity((await newest()) + by) };
    if (method !== "eth_getBlockByNumber" || params[0] !== "latest") return undefined;
    const block = await node().call<Head>("eth_getBlockByNumber", "latest", false);
    return { result: { ...block, number: toQuantity(BigInt(block.number) + by) } };
  });

const chainOver = (rpc: Pick<ChainDeps, "rpc" | "elsewhere" | "apart">) =>
  createChain({
    ...{ ...rpc, socket$: EMPTY, deployment: devnet.deployment, finality: 2, pollIntervalMs: 1_000 },
    ...{ clock: time.clock, report: (each) => void reports.push(each) },
  });

beforeEach(() => {
  reports = [];
  liar.set(() => undefined);
  time = createVirtualTime();
  const { clock } = time;
  const report = (each: Report) => void reports.push(each);
  endpoints = createEndpoints({
    urls: [`${liar.http}/v2/secret`, devnet.rpc.http],
    ...{ timeoutMs: 10_000, cooldownMs: 30_000, rateLimit: 0, batchSize: 100, random: () => 0.5, clock, report },
  });
  chain = chainOver({ rpc: endpoints, elsewhere: endpoints.elsewhere, apart: endpoints.apart });
});
afterEach(() => liar.set(() => undefined));

const scanFrom = async (number: bigint) => {
  const scanner = createScanner(chain, {
    ...{ maxBlockRange: 100, rewind: 10 },
    onDeepReorg: () => expect.unreachable(),
    onHeadBehind: () => expect.unreachable(),
  });
  const { hash } = (await chain.block(number)) as Head;
  let at: bigint = number;
  let known: Parameters<typeof scanner.step>[0] = { cursor: { number, hash }, known: [] };
  for (let step = await scanner.step(known); step !== undefined; step = await scanner.step(known)) {
    known = step;
    at = step.cursor.number;
  }
  return at;
};

it.each([1_000n, 10n ** 9n])(
  "neither scanning nor judging stops where the endpoint that answers exaggerates its head by %s blocks",
  async (by) => {
    await mine(200n);
    expect((await chain.snapshot(task, source, [response])).block.number).toBe(await newest());
    exaggerate(by);
    await mine(150n);
    expect(await scanFrom(1n)).toBe(await newest());
    await chain.head();
    expect(await chain.snapshot(task, source, [response])).toMatchObject({
      block: { number: await newest() },
      responses: [{ address: response }],
    });
    const [told] = reports.flatMap((each) => (each.type === "endpoint" && each.event === "ahead" ? [each] : []));
    expect(told).toMatchObject({ endpoint: new URL(liar.http).host, error: { code: "HEAD_NOT_SHOWN" } });
    expect(JSON.stringify(reports) + told?.error.message).not.toContain("secret");
  },
);

it("a chain that stood still and jumps by a thousand blocks is followed by whichever endpoint tells of it first", async () => {
  for (const endpoint of endpoints.each()) await endpoint.call("eth_blockNumber");
  await mine(1_000n);
  expect((await chain.head()).number).toBe(await newest());
  expect(await scanFrom((await newest()) - 900n)).toBe(await newest());
  expect(reports.filter(({ type }) => type === "endpoint")).toEqual([]);
});

describe("a head that is too high by little, told by the endpoint that answers,", () => {
  const behind = { code: "NODE_BEHIND" };
  const look = async () => (await chain.snapshot(task, source, [response])).block.number;
  const hangAt = (block: bigint) => liar.set(stuckAt(node(), block));
  const beHonest = () => liar.set(() => undefined);
  const tellOnce = async (by: bigint) => {
    exaggerate(by);
    await chain.head();
    beHonest();
  };
  const hearHeads = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      await time.pass(1_000);
      await chain.head();
    }
  };
  beforeEach(async () => {
    chain = chainOver({ rpc: createJsonRpc({ url: liar.http, timeoutMs: 10_000 }) });
    await mine(200n);
  });

  it("is let go when all have told of lower ones for some seconds, and not before", async () => {
    expect(await look()).toBe(await newest());
    await tellOnce(100n);
    await hearHeads(10);
    await expect(look()).rejects.toMatchObject(behind);
    await mine(3n);
    await hearHeads(1);
    expect(await look()).toBe(await newest());
  });

  it.each(["a snapshot", "the scanner"])("leads to no block below the one that %s has read", async (reader) => {
    const read = await newest();
    await chain.head();
    expect(reader === "a snapshot" ? await look() : await scanFrom(read - 50n)).toBe(read);
    await tellOnce(100n);
    hangAt(read - 5n);
    await hearHeads(20);
    await expect(look()).rejects.toMatchObject(behind);
    beHonest();
    expect(await look()).toBe(read);
  });

  it("may be no lie: it is kept while one of several nodes tells it now and then, though nobody has shown it", async () => {
    await chain.head();
    await look();
    await mine(5n);
    const top = await newest();
    await chain.head();
    for (let turn = 0; turn < 5; turn++) {
      hangAt(top - 5n);
      await hearHeads(7);
      await expect(look()).rejects.toMatchObject(behind);
      beHonest();
      await chain.head();
    }
  });

  it.each([3n, 100n])(
    "stops neither judging nor the scanner for long where it is %s blocks too high each time",
    async (by) => {
      const read = await newest();
      await chain.head();
      expect(await look()).toBe(read);
      exaggerate(by);
      for (let second = 0; second < 12; second++) {
        await mine(1n);
        await hearHeads(1);
        await Promise.allSettled([look(), scanFrom(read)]);
      }
      for (let second = 0; second < 8; second++) {
        await mine(1n);
        await hearHeads(1);
        expect([await scanFrom(read), await look()]).toEqual([await newest(), await newest()]);
      }
      expect((await chain.head()).hash).toBe((await chain.block(await newest()))?.hash);
      beHonest();
      await mine(200n);
      await hearHeads(1);
      expect([await look(), await scanFrom(read)]).toEqual([await newest(), await newest()]);
    },
  );
});
