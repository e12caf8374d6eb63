import { Subject, type Subscription } from "rxjs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import type { ChainPort } from "../../src/chain/chainPort.ts";
import { createChain } from "../../src/chain/createChain.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { nexusLogs } from "../../src/chain/eventReads.ts";
import type { HttpRpc } from "../../src/chain/jsonRpc.ts";
import type { SocketMessage } from "../../src/chain/rpcSocket.ts";
import { toQuantity } from "../../src/chain/wire.ts";
import type { AccountAddress, ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import type { ChainEvent, RpcLog } from "../../src/protocol/events.ts";
import { address, headAt } from "../support/fakeChain.ts";
import { createVirtualTime, type VirtualTime } from "../support/virtualTime.ts";

let devnet: Devnet;
let source: SourceAddress;
let task: TaskAddress;
let response: ResponseAddress;
let log: RpcLog;
let rpc: HttpRpc;
let requests: number;
beforeAll(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
  task = await devnet.client.publishTask({ source, config: "{}" });
  const provider = devnet.createProvider(behaviours.inline());
  await provider.enrol(source);
  await provider.attempt(task, 1n);
  response = (await provider.submit(task, "one", 1n)).response.toLowerCase() as ResponseAddress;
  const node = createJsonRpc({ url: devnet.rpc.http, timeoutMs: 10_000 });
  const batch: HttpRpc["batch"] = (calls) => {
    requests += 1;
    return node.batch(calls);
  };
  const call = <T>(...asked: Parameters<HttpRpc["call"]>): Promise<T> => {
    requests += 1;
    return node.call<T>(...asked);
  };
  rpc = { ...node, batch, call };
  const logs = await node.call<RpcLog[]>("eth_getLogs", { ...nexusLogs(devnet.deployment), fromBlock: "0x0" });
  log = logs.at(-1) as RpcLog;
});
afterAll(() => devnet.stop());

let time: VirtualTime;
let socket: Subject<SocketMessage>;
let chain: ChainPort;
let live: ChainEvent[];
let subscription: Subscription;
/** The newest block, as HTTP tells. */
let newest: bigint;
beforeEach(async () => {
  [time, socket, live, requests] = [createVirtualTime(), new Subject(), [], 0];
  chain = createChain({
    rpc,
    socket$: socket,
    deployment: devnet.deployment,
    finality: 1,
    pollIntervalMs: 3_600_000,
    clock: time.clock,
    report: () => undefined,
  });
  subscription = chain.head$.subscribe();
  subscription.add(chain.liveEvents$.subscribe((events) => live.push(...events)));
  newest = (await chain.head()).number;
});
afterEach(() => subscription.unsubscribe());

const pushHead = (number: bigint) => socket.next({ type: "head", head: headAt(number) });
const pushLog = (number: bigint) => socket.next({ type: "log", log: { ...log, blockNumber: toQuantity(number) } });
const mine = (blocks: bigint) => rpc.call("anvil_mine", toQuantity(blocks));
const snapshot = (responses = [response]) => chain.snapshot(task, source, responses);
/** What it comes to, and how many requests it takes. */
const costOf = async <T>(work: () => Promise<T>): Promise<readonly [T, number]> => {
  const before = requests;
  return [await work(), requests - before];
};

describe("a socket that is ahead of every node over HTTP", () => {
  it("stops no judging and no paying: reads go by what HTTP has", async () => {
    pushHead(newest + 200n);
    expect((await snapshot()).block.number).toBe(newest);
    pushHead(newest + 201n);
    const [again, cost] = await costOf(snapshot);
    expect([again.block.number, again.responses.length, cost]).toEqual([newest, 1, 1]);
    const ask = { task, response, from: devnet.agent.address as AccountAddress, gas: undefined };
    expect(await chain.previews([ask])).toMatchObject([{ block: newest, simulation: { ok: true } }]);
  });

  it("is not followed at all where it is hundreds of blocks ahead", async () => {
    pushHead(newest + 300n);
    pushLog(newest + 300n);
    const [{ block }, cost] = await costOf(snapshot);
    expect([block.number, cost, live]).toEqual([newest, 1, []]);
  });

  it("is noticed by a preview, too", async () => {
    pushLog(newest + 200n);
    for (const gas of [undefined, 1_000_000n]) {
      const ask = { task, response, from: devnet.agent.address as AccountAddress, gas };
      expect(await chain.previews([ask])).toMatchObject([{ block: newest, simulation: { ok: true } }]);
    }
  });

  it("has its events left to the scanner from then on, until HTTP has come as far", async () => {
    pushLog(newest + 200n);
    await snapshot();
    pushLog(newest + 1n);
    pushLog(newest);
    expect(live.map(({ at }) => at.blockNumber - newest)).toEqual([200n, 0n]);
    await mine(200n);
    await chain.head();
    pushLog(newest + 201n);
    expect(live.map(({ at }) => at.blockNumber - newest)).toEqual([200n, 0n, 201n]);
  });

  it("may have told of a response that HTTP is about to have: it is waited for, but not for ever", async () => {
    const promised = address<ResponseAddress>(0x99);
    pushLog(newest + 200n);
    for (let times = 0; times < 2; times++)
      await expect(snapshot([response, promised])).rejects.toMatchObject({ code: "NODE_BEHIND" });
    await time.pass(10_000);
    expect((await snapshot([response, promised])).responses.map(({ address: found }) => found)).toEqual([response]);
  });

  it("is believed anew when another one takes over", async () => {
    pushHead(newest + 200n);
    await snapshot();
    socket.next({ type: "up" });
    await mine(1n);
    pushHead(newest + 1n);
    const [{ block }, cost] = await costOf(snapshot);
    expect([block.number, cost]).toEqual([newest + 1n, 1]);
  });
});

it("asks for nothing more than the snapshot where a node has the block that the socket told of", async () => {
  await mine(1n);
  pushLog(newest + 1n);
  const [{ block }, cost] = await costOf(snapshot);
  expect([block.number, cost]).toEqual([newest + 1n, 1]);
});
