import { EMPTY } from "rxjs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import type { ChainPort, Head } from "../../src/chain/chainPort.ts";
import { createChain } from "../../src/chain/createChain.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { createEndpoints, type Endpoints } from "../../src/chain/endpoints/createEndpoints.ts";
import { createScanner } from "../../src/chain/scanner.ts";
import { toQuantity } from "../../src/chain/wire.ts";
import type { ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import type { Report } from "../../src/report.ts";
import { type MeddlingProxy, startMeddlingProxy } from "../support/meddlingProxy.ts";
import { createVirtualTime } from "../support/virtualTime.ts";

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
const node = () => createJsonRpc({ url: devnet.rpc.http, timeoutMs: 10_000 });
const mine = (blocks: bigint) => node().call("anvil_mine", toQuantity(blocks));
const newest = async () => BigInt(await node().call<string>("eth_blockNumber"));
const exaggerate = (by: bigint) =>
  liar.set(async ({ method, params }) => {
    if (method === "eth_blockNumber") return { result: toQuantity((await newest()) + by) };
    if (method !== "eth_getBlockByNumber" || params[0] !== "latest") return undefined;
    const block = await node().call<Head>("eth_getBlockByNumber", "latest", false);
    return { result: { ...block, number: toQuantity(BigInt(block.number) + by) } };
  });

beforeEach(() => {
  reports = [];
  liar.set(() => undefined);
  const { clock } = createVirtualTime();
  const report = (each: Report) => void reports.push(each);
  endpoints = createEndpoints({
    urls: [`${liar.http}/v2/secret`, devnet.rpc.http],
    ...{ timeoutMs: 10_000, cooldownMs: 30_000, rateLimit: 0, batchSize: 100, random: () => 0.5, clock, report },
  });
  const { deployment } = devnet;
  chain = createChain({
    ...{ rpc: endpoints, elsewhere: endpoints.elsewhere, apart: endpoints.apart, socket$: EMPTY, deployment },
    ...{ finality: 2, pollIntervalMs: 1_000, clock, report },
  });
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
