import { setTimeout as sleep } from "node:timers/promises";
import { parseEther, parseGwei, toHex } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { systemClock } from "../../src/clock.ts";
import {
  type Client,
  type ClientOptions,
  createClient,
  type NonceFix,
  type Response,
  TaskStatus,
} from "../../src/index.ts";
import type { Hash, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";

/** For a machine that is busy. */
const patience = { timeout: 20_000 };

let devnet: Devnet;
let source: SourceAddress;

beforeEach(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
});
afterEach(() => devnet.stop());

const open = (options: Partial<ClientOptions> = {}): Client =>
  createClient({
    chain: devnet.chainId,
    rpc: devnet.rpc.http,
    signer: devnet.accounts.agent.privateKey,
    payload: { gateways: [devnet.gateway.url], allowHosts: [] },
    uploadUrl: `${devnet.gateway.url}/file/create`,
    pollIntervalMs: 20,
    ...options,
  });
const node = (method: string, ...params: unknown[]) => testNode(devnet.network, method, params);
const automine = (on: boolean) => node("evm_setAutomine", on);
const baseFee = (wei: bigint) => node("anvil_setNextBlockBaseFeePerGas", toHex(wei));
const mined = (address: `0x${string}`) => devnet.publicClient.getTransactionCount({ address });

/** The node has dearer bytes in the place of these: a lane knows of them before it. */
const replaced = (hash: Hash) =>
  expect
    .poll(
      () =>
        devnet.publicClient.getTransaction({ hash }).then(
          () => true,
          () => false,
        ),
      patience,
    )
    .toBe(false);

/** Tasks with one response each. */
async function answered(count: number) {
  const provider = devnet.createProvider(behaviours.honest());
  await provider.enrol(source);
  const found: { task: TaskAddress; response: `0x${string}` }[] = [];
  for (let index = 0; index < count; index++) {
    const task = await devnet.client.publishTask({ source, config: `{"function_name":"f","data":{"n":${index}}}` });
    found.push({ task, response: (await provider.respondTo(task)).response });
  }
  return found;
}

/** A transfer of nothing by the agent, outside of every lane. */
const rawTransfer = (nonce: number, maxFeePerGas: bigint, to = devnet.accounts.stranger.address) =>
  devnet.accounts.agent.signTransaction({
    chainId: devnet.chainId,
    type: "eip1559",
    ...{ to, nonce, maxFeePerGas, maxPriorityFeePerGas: 1n, gas: 21_000n },
  });
const send = async (raw: `0x${string}`) => (await node("eth_sendRawTransaction", raw)) as `0x${string}`;

describe("the library's lane", () => {
  it("frees no nonce on a time-out, waits on when the same call comes again, and pays once", async () => {
    const [first, second] = await answered(2);
    if (!first || !second) throw new Error("two tasks were published");
    await automine(false);
    const client = open();
    const timeoutMs = 200;
    const late = client.confirmResponse(first.response, { timeoutMs });
    await expect(late).rejects.toMatchObject({ name: "NotMinedError", code: "NOT_MINED_YET", nonce: 0 });
    client.resetNonceCache();
    client.clearAllNonceCaches();
    await expect(client.confirmResponse(second.response, { timeoutMs })).rejects.toMatchObject({ nonce: 1 });
    await expect(client.confirmResponse(second.response, { timeoutMs })).rejects.toMatchObject({ nonce: 1 });
    expect(await node("txpool_status")).toMatchObject({ pending: "0x2" });
    expect(await client.getNonceInfo()).toMatchObject({
      minedNonce: 0,
      pendingNonce: 2,
      cachedNonce: 2,
      pendingCount: 2,
    });
    await devnet.mine();
    expect(await client.confirmResponse(first.response)).toMatchObject({ nonce: 0 });
    expect(await client.waitForTransaction({ nonce: 1 })).toMatchObject({ nonce: 1 });
    expect(await mined(devnet.accounts.agent.address)).toBe(2);
    for (const { task } of [first, second]) expect((await client.getTask(task)).status).toBe(TaskStatus.FINALIZED);
    await expect(client.waitForTransaction({ nonce: 7 })).rejects.toMatchObject({ code: "NOTHING_IN_FLIGHT" });
  });

  it("signs no second confirmation of a task, by this client or by another with the same key", async () => {
    const [{ task, response } = { task: source as never, response: "0x" as const }] = await answered(1);
    const rival = devnet.createProvider(behaviours.honest({ priceBps: 5_000 }));
    await rival.enrol(source);
    const other = await rival.respondTo(task);
    await automine(false);
    const client = open();
    const both = Promise.all([client.confirmResponse(response), client.confirmResponse(response)]);
    await expect.poll(() => node("txpool_status"), patience).toMatchObject({ pending: "0x1" });
    await expect(client.confirmResponse(other.response)).rejects.toMatchObject({ code: "ALREADY_SENT" });
    await expect(client.confirmResponse(response, { maxPayment: 1n, timeoutMs: 100 })).rejects.toMatchObject({
      code: "PAYMENT_ABOVE_LIMIT",
    });
    await expect(open().confirmResponse(response)).rejects.toMatchObject({
      code: "ALREADY_SENT",
      message: expect.stringMatching(/nonce 0/),
    });
    await devnet.mine();
    const [one, two] = await both;
    expect(one).toEqual(two);
    expect(await mined(devnet.accounts.agent.address)).toBe(1);
  });

  it("takes another nonce when somebody else used its own, and the task is paid once", async () => {
    const [{ response } = { response: "0x" as const }] = await answered(1);
    await automine(false);
    let later = 0;
    const client = open({ clock: { ...systemClock, now: () => systemClock.now() + later } });
    const confirmed = client.confirmResponse(response);
    await expect.poll(() => node("txpool_status"), patience).toMatchObject({ pending: "0x1" });
    await node("anvil_dropAllTransactions");
    await send(await rawTransfer(0, parseGwei("50")));
    await devnet.mine(5);
    await automine(true);
    await expect.poll(() => client.lanes()[0]?.holder(0)?.displacedSince, patience).toBeDefined();
    later = 10_000;
    expect(await confirmed).toMatchObject({ nonce: 1 });
  });

  it("offers more when the chain asks more, and calls off what would be refused by now", async () => {
    const [one, two] = await answered(2);
    if (!one || !two) throw new Error("two tasks were published");
    await automine(false);
    const client = open({ rebroadcastAfterMs: 100 });
    const first = client.confirmResponse(one.response);
    await expect.poll(() => node("txpool_status"), patience).toMatchObject({ pending: "0x1" });
    const before = client.lanes()[0]?.inFlight()[0]?.hash as Hash;
    await replaced(before);
    await devnet.mine();
    expect((await first).hash).not.toBe(before);

    let later = 0;
    const patient = open({ clock: { ...systemClock, now: () => systemClock.now() + later } });
    const second = patient.confirmResponse(two.response);
    second.catch(() => undefined);
    await expect.poll(() => node("txpool_status"), patience).toMatchObject({ pending: "0x1" });
    await node("evm_increaseTime", 10_000);
    await node("anvil_dropAllTransactions");
    await devnet.mine();
    later = 60_000;
    await expect.poll(() => node("txpool_status"), patience).toMatchObject({ pending: "0x1" });
    await devnet.mine(5);
    await expect(second).rejects.toMatchObject({ code: "EXPIRED" });
    expect(await mined(devnet.accounts.agent.address)).toBe(2);
    expect((await client.getTask(two.task)).status).toBe(TaskStatus.RESPONDED);
  });

  it("calls off what is on its way where a reorg puts another response at its address", async () => {
    const [{ task } = { task: source as never }] = await answered(1);
    const [first, second] = [7_000, 6_000].map((priceBps) => devnet.createProvider(behaviours.honest({ priceBps })));
    for (const provider of [first, second]) await provider?.enrol(source);
    const snapshot = await node("evm_snapshot");
    const judged = await first?.respondTo(task);
    await automine(false);
    let later = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + later };
    const client = open({ clock });
    const confirming = client.confirmResponse(judged?.response ?? "");
    const refused = expect(confirming).rejects.toMatchObject({ name: "RefusedError", code: "RESPONSE_CHANGED" });
    // The node may still count a provider's that was just mined among those that wait.
    const { address } = devnet.accounts.agent;
    const pending = () => devnet.publicClient.getTransactionCount({ address, blockTag: "pending" });
    await expect.poll(pending, patience).toBe(1);
    await node("anvil_dropAllTransactions");
    await node("evm_revert", snapshot);
    await automine(true);
    expect(await second?.respondTo(task)).toMatchObject({ response: judged?.response });
    later = 60_000;
    await expect.poll(() => mined(devnet.accounts.agent.address), patience).toBe(1);
    await devnet.mine(5);
    await refused;
    expect((await client.getTask(task)).status).toBe(TaskStatus.RESPONDED);
    const expected = { ...(await client.getTaskResponses(task))[1], provider: first?.address } as Response;
    await expect(client.confirmResponse(judged?.response ?? "", { expected })).rejects.toMatchObject({
      code: "RESPONSE_CHANGED",
      message: expect.stringContaining(`of ${second?.address}`),
    });
  });

  it("has the confirmations that were asked for, be they more than finality takes", async () => {
    let isDone = false;
    const change = open().setAgent(devnet.accounts.stranger.address, { confirmations: 6 });
    const done = change.finally(() => {
      isDone = true;
    });
    done.catch(() => undefined);
    while (!isDone) {
      await devnet.mine();
      await sleep(50);
    }
    const { blockNumber } = await done;
    expect((await devnet.publicClient.getBlockNumber()) - blockNumber + 1n).toBeGreaterThanOrEqual(6n);
  });

  it("tells what came of a time-out after it is final, under whichever hash it was mined", async () => {
    const helper = devnet.accounts.stranger.address;
    await automine(false);
    const client = open({ rebroadcastAfterMs: 50 });
    const late = await client.setAgent(helper, { timeoutMs: 1 }).catch((error) => error);
    expect(late).toMatchObject({ code: "NOT_MINED_YET", nonce: 0 });
    const other = client.revokeAgent(helper, { confirmations: 6 });
    await replaced(late.hash);
    await devnet.mine(8);
    expect(await other).toMatchObject({ nonce: 1 });
    const told = await client.waitForTransaction(late);
    expect(told).toMatchObject({ nonce: 0 });
    expect(told.hash).not.toBe(late.hash);
    expect((await devnet.publicClient.getTransactionReceipt({ hash: told.hash })).status).toBe("success");
  });

  it("takes a nonce by hand only where nothing was signed in it", async () => {
    const helper = devnet.accounts.stranger.address;
    const client = open();
    expect(await client.setAgent(helper, { nonce: 0 })).toMatchObject({ nonce: 0 });
    await expect(client.setAgent(helper, { nonce: 0 })).rejects.toMatchObject({
      code: "NONCE_TAKEN",
      message: expect.stringMatching(/the authorisation of the agent 0x\w+ is signed in it/),
    });
    await expect(open().setAgent(helper, { nonce: 0 })).rejects.toMatchObject({
      code: "NONCE_TAKEN",
      message: expect.stringMatching(/a transaction is mined in it/),
    });
    await automine(false);
    await expect(client.setAgent(helper, { timeoutMs: 100 })).rejects.toMatchObject({ nonce: 1 });
    await expect(client.setAgent(helper, { nonce: 1 })).rejects.toMatchObject({
      code: "NONCE_TAKEN",
      message: expect.stringMatching(/is signed in it/),
    });
    await expect(open().setAgent(helper, { nonce: 1 })).rejects.toMatchObject({
      code: "NONCE_TAKEN",
      message: expect.stringMatching(/waits in it/),
    });
  });
});

describe("nonces that are stuck", () => {
  /**
   * Underpriced, in the pool, for good: sent while the account's nonce is one lower, so that the node keeps it waiting while
   * gas becomes dearer; then the nonce is set to its own.
   */
  async function stuckInThePool(data?: { raw: (nonce: number, fee: bigint) => Promise<`0x${string}`> }) {
    const { agent } = devnet.accounts;
    await baseFee(parseGwei("1"));
    await devnet.mine();
    const raw = await (data?.raw ?? rawTransfer)(1, parseGwei("2"));
    const hash = await send(raw);
    await baseFee(parseGwei("10"));
    await devnet.mine();
    await node("anvil_setNonce", agent.address, "0x1");
    return hash;
  }
  const holdFees = async () => {
    await baseFee(parseGwei("10"));
    await devnet.mine();
  };

  it("are explained, and cured with one replacement, and the three confirmations behind are mined", async () => {
    const tasks = await answered(3);
    const stuck = await stuckInThePool();
    const client = open({ rebroadcastAfterMs: 600_000 });
    const confirmed = tasks.map(async ({ response }, index) => client.confirmResponse(response, { nonce: index + 2 }));
    await expect.poll(() => node("txpool_status"), patience).toMatchObject({ queued: "0x4" });
    for (let block = 0; block < 3; block++) await holdFees();
    expect(await mined(devnet.accounts.agent.address)).toBe(1);

    const info = await client.getNonceInfo();
    expect(info).toMatchObject({ minedNonce: 1, pendingNonce: 5, pendingCount: 4, hasPending: true });
    expect(info.waiting).toMatchObject([
      {
        nonce: 1,
        hash: stuck,
        state: "underpriced",
        since: undefined,
        what: expect.stringMatching(/^a transfer of nothing to 0x/),
      },
      { nonce: 2, state: "behind", what: expect.stringMatching(/^Controller\.confirmResponse\(0x/) },
      { nonce: 3, state: "behind", since: expect.any(Number) },
      { nonce: 4, state: "behind" },
    ]);
    expect(info.explanation).toMatch(
      /^nonce 1 is stuck: it offers 2 gwei, and the chain asks 10(\.\d+)? gwei; 3 behind it cannot be mined before it/,
    );

    const plans: NonceFix[] = [];
    const refused = await client.fixNonce({ approve: (plan) => plans.push(plan) < 0 });
    expect(refused).toMatchObject({ approved: false, sent: [] });
    expect(plans[0]?.steps).toMatchObject([{ nonce: 1, action: "cancel", why: "it offers too little" }]);
    expect(plans[0]?.untouched.map(({ nonce }) => nonce)).toEqual([2, 3, 4]);
    expect(plans[0]?.cost).toBeGreaterThanOrEqual(21_000n * parseGwei("10"));
    expect(plans[0]?.cost).toBeLessThan(parseEther("0.01"));
    expect(await node("txpool_status")).toMatchObject({ queued: "0x4" });

    const { sent, nextNonce } = await client.fixNonce({ approve: () => true });
    expect(sent).toMatchObject([{ nonce: 1, action: "cancel", outcome: "mined" }]);
    const hashes = (await Promise.all(confirmed)).map(({ hash }) => hash);
    expect(nextNonce).toBe(5);
    expect(await mined(devnet.accounts.agent.address)).toBe(5);
    for (const [index, { task }] of tasks.entries()) {
      expect((await client.getTask(task)).status).toBe(TaskStatus.FINALIZED);
      expect((await devnet.publicClient.getTransactionReceipt({ hash: hashes[index] ?? "0x" })).status).toBe("success");
    }
    expect(await client.getNonceInfo()).toMatchObject({
      hasPending: false,
      explanation: expect.stringMatching(/^nothing waits/),
    });
    expect(await client.fixNonce({ approve: () => true })).toMatchObject({ approved: false, plan: { steps: [] } });
  });

  it("where nothing waits any more are filled", async () => {
    const tasks = await answered(3);
    const client = open({ rebroadcastAfterMs: 600_000 });
    const confirmed = tasks.map(({ response }, index) => client.confirmResponse(response, { nonce: index + 2 }));
    await expect.poll(() => node("txpool_status"), patience).toMatchObject({ queued: "0x3" });
    await expect(client.getNonceInfo()).resolves.toMatchObject({
      pendingCount: 3,
      explanation: expect.stringMatching(
        /^nothing waits in nonce 0, which must be mined first; 3 behind it .*; 1 more is stuck/,
      ),
    });
    const { sent } = await client.fixNonce({ approve: ({ steps }) => steps.every(({ action }) => action === "fill") });
    expect(sent.map(({ nonce, action }) => [nonce, action])).toEqual([
      [0, "fill"],
      [1, "fill"],
    ]);
    await Promise.all(confirmed);
    for (const { task } of tasks) expect((await client.getTask(task)).status).toBe(TaskStatus.FINALIZED);
  });

  /** A stranger's program has left a nonce out. */
  const leaveGap = async () => send(await rawTransfer(1, parseGwei("50")));

  it("and approved late are left to what was signed in them meanwhile", async () => {
    const [{ task, response } = { task: source as never, response: "0x" as const }] = await answered(1);
    await leaveGap();
    await automine(false);
    const other = open();
    let confirming: Promise<unknown> = Promise.resolve();
    const approve = async ({ steps }: NonceFix) => {
      expect(steps).toMatchObject([{ nonce: 0, action: "fill" }]);
      confirming = other.confirmResponse(response, { nonce: 0 });
      await expect.poll(() => node("txpool_status"), patience).toMatchObject({ pending: "0x2" });
      return true;
    };
    const fixed = await open().fixNonce({ approve });
    expect(fixed).toMatchObject({ approved: true, sent: [], changed: [{ nonce: 0, action: "fill" }] });
    await devnet.mine();
    expect(await confirming).toMatchObject({ nonce: 0 });
    expect((await other.getTask(task)).status).toBe(TaskStatus.FINALIZED);
  });

  it("are asked for anew of whoever looks after them, before anything is sent", async () => {
    await leaveGap();
    const owned = new Set<number>();
    const fixed = await open().fixNonce({ approve: () => owned.add(0).has(0), leave: async () => owned });
    expect(fixed).toMatchObject({ approved: true, sent: [], changed: [{ nonce: 0 }] });
    expect(await mined(devnet.accounts.agent.address)).toBe(0);
  });

  it("are not mended by bytes that another transaction displaced, and so it says", async () => {
    await leaveGap();
    const client = open();
    const broadcast: Client["chain"]["broadcast"] = async (raw) => {
      await send(await rawTransfer(0, parseGwei("60")));
      return client.chain.broadcast(raw);
    };
    const { fixNonce } = await import("../../src/index.ts");
    const fixed = await fixNonce({ ...client, chain: { ...client.chain, broadcast } }, { approve: () => true });
    expect(fixed.sent).toMatchObject([{ nonce: 0, action: "fill", outcome: "displaced" }]);
    expect(fixed.nextNonce).toBe(2);
  });

  it("and empty are filled under the ceiling alone", async () => {
    await leaveGap();
    await expect(open({ maxFeePerGas: 1n }).planNonceFix()).rejects.toMatchObject({
      code: "FEES_TOO_HIGH",
      message: expect.stringMatching(/^what fills nonce 0 would cost more than maxFeePerGas/),
    });
  });

  it("with a confirmation that can still pay are sent again for more, and never cancelled", async () => {
    const [{ task, response } = { task: source as never, response: "0x" as const }] = await answered(1);
    const { calls } = await import("../../src/client/calls.ts");
    const call = calls.confirmResponse(devnet.deployment, response);
    const raw = (nonce: number, maxFeePerGas: bigint) =>
      devnet.accounts.agent.signTransaction({
        chainId: devnet.chainId,
        type: "eip1559",
        ...{ ...call, nonce, maxFeePerGas, maxPriorityFeePerGas: 1n, gas: 500_000n },
      });
    await stuckInThePool({ raw });
    const { sent } = await open().fixNonce({ approve: () => true });
    expect(sent).toMatchObject([{ nonce: 1, action: "reprice" }]);
    expect((await open().getTask(task)).status).toBe(TaskStatus.FINALIZED);
  });

  it("are left to whoever looks after them, and to their own key", async () => {
    await stuckInThePool();
    const client = open();
    const plan = await client.planNonceFix({ leave: new Set([1]) });
    expect(plan).toMatchObject({ steps: [], untouched: [{ nonce: 1 }] });
    const address = devnet.accounts.client.address;
    await expect(client.fixNonce({ address, approve: () => true })).rejects.toMatchObject({ code: "NOT_ALLOWED" });
    await expect(open({ maxFeePerGas: parseGwei("3") }).planNonceFix()).rejects.toMatchObject({
      code: "FEES_TOO_HIGH",
    });
  });

  it("are not guessed at where the node does not show its pool", async () => {
    const client = open();
    await automine(false);
    await send(await rawTransfer(0, parseGwei("50")));
    const blind = {
      ...client.rpc,
      call: (method: string, ...params: unknown[]) => client.rpc.call(method.replace("txpool", "hidden"), ...params),
    };
    const { getNonceInfo, planNonceFix } = await import("../../src/index.ts");
    const context = { ...client, rpc: blind as Client["rpc"] };
    expect(await getNonceInfo(context)).toMatchObject({
      waiting: undefined,
      pendingCount: 1,
      explanation: expect.stringMatching(/does not let its pool be read/),
    });
    await expect(planNonceFix(context)).rejects.toMatchObject({ code: "POOL_UNREADABLE" });
  });
});
