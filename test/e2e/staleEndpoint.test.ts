import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EMPTY, lastValueFrom, of, toArray } from "rxjs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import type { ChainPort, Head, Snapshot } from "../../src/chain/chainPort.ts";
import { createChain } from "../../src/chain/createChain.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { createEndpoints } from "../../src/chain/endpoints/createEndpoints.ts";
import { toQuantity } from "../../src/chain/wire.ts";
import type { Confirmation, Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { judgeTask } from "../../src/judgeTask.ts";
import { notRead } from "../../src/payload/notRead.ts";
import type { AccountAddress, ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { toAddress, wei } from "../../src/protocol/brand.ts";
import { reopened$ } from "../../src/reopened.ts";
import type { Report } from "../../src/report.ts";
import { createGasFigure } from "../../src/sink/gasFigure.ts";
import { payable } from "../../src/sink/payable.ts";
import { type MeddlingProxy, startMeddlingProxy } from "../support/meddlingProxy.ts";
import { stuckAt } from "../support/stuckNode.ts";
import { createVirtualTime } from "../support/virtualTime.ts";
import { policyOf } from "../unit/policy/support.ts";

type Scene = { readonly task: TaskAddress; readonly response: ResponseAddress };

let devnet: Devnet;
let good: MeddlingProxy;
let stale: MeddlingProxy;
let source: SourceAddress;
/** Answered before the second node stopped; somebody else has paid it since. */
let paid: Scene;
/** The last block that it took in. */
let stoppedAt: bigint;
/** Answered since. */
let later: Scene;

const node = () => createJsonRpc({ url: devnet.rpc.http, timeoutMs: 60_000 });
const newest = async () => BigInt(await node().call<string>("eth_blockNumber"));
const config = '{"function_name":"f"}';

beforeAll(async () => {
  devnet = await startDevnet();
  good = await startMeddlingProxy(devnet.rpc.http);
  stale = await startMeddlingProxy(devnet.rpc.http);
  source = (await devnet.client.publishSource()).toLowerCase() as SourceAddress;
  const provider = devnet.createProvider(behaviours.inline());
  await provider.enrol(source);
  const attempted = async () => {
    const task = await devnet.client.publishTask({ source, config });
    await provider.attempt(task, 1n);
    return task;
  };
  const answered = async (task: TaskAddress) => {
    const { response } = await provider.submit(task, "one", 1n);
    return { task, response: response.toLowerCase() as ResponseAddress };
  };
  const [one, other] = [await attempted(), await attempted()];
  paid = await answered(one);
  await devnet.mine(5);
  stoppedAt = await newest();
  stale.set(stuckAt(node(), stoppedAt));
  later = await answered(other);
  await devnet.client.confirmResponse(paid.response);
  await node().call("anvil_mine", toQuantity(600n));
});
afterAll(async () => {
  await Promise.all([good.stop(), stale.stop()]);
  await devnet.stop();
});

let directory: string;
let journal: Journal;
let reports: Report[];
let chain: ChainPort;
let openChain: () => ChainPort;
let time: ReturnType<typeof createVirtualTime>;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "stale-"));
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: devnet.chainId });
  reports = [];
  time = createVirtualTime();
  good.set(() => undefined);
  const report = (each: Report) => void reports.push(each);
  const rpc = createEndpoints({
    urls: [good.http, stale.http],
    ...{ timeoutMs: 10_000, cooldownMs: 30_000, rateLimit: 0, batchSize: 100, random: () => 0.5, report },
    clock: time.clock,
  });
  const { deployment } = devnet;
  openChain = () =>
    createChain({
      ...{ rpc, elsewhere: rpc.elsewhere, apart: rpc.apart, socket$: EMPTY, deployment, report },
      ...{ finality: 2, pollIntervalMs: 50, clock: time.clock },
    });
  chain = openChain();
  const responses = [paid, later];
  await journal.intake({ tasks: responses.map(({ task }) => ({ task, source })), responses, touched: [] });
  await scannedTo(await chain.head());
});
afterEach(async () => {
  await journal.close();
  rmSync(directory, { recursive: true });
});

const scannedTo = async (block: Head | undefined) => {
  if (block === undefined) throw new TypeError("there is no such block");
  const { number, hash } = block;
  await journal.intake({ tasks: [], responses: [], touched: [], cursor: { number, hash } });
};
const isWatched = async (each: SourceAddress) => each === source;
const report = (each: Report) => void reports.push(each);
type Look = (task: TaskAddress, from: SourceAddress, responses: readonly ResponseAddress[]) => Promise<Snapshot>;
const judge = ({ task }: Scene, snapshot: Look = chain.snapshot) => {
  const policy = policyOf("true", "mode: enforce\n");
  const deps = {
    chain: { ...chain, snapshot },
    ...{ journal, isWatched, report, clock: time.clock },
    payload: { fetch: async () => ({ ...notRead, valid: true, json: { function_name: "f" } }) },
    policies: { policies: [policy], select: () => policy },
  };
  return judgeTask(deps, { maxPayment: wei(10n ** 18n), dryRun: false }, task);
};
const ask = (intent: Confirmation | undefined) => {
  const from = toAddress<AccountAddress>(devnet.accounts.agent.address);
  return payable({ chain, journal, gasFigure: createGasFigure(() => 0) }, intent as Confirmation, from);
};
/** From now on the node that stopped long ago answers alone. */
const fallBack = async (): Promise<Head> => {
  good.set(() => {
    throw new Error("down");
  });
  return chain.head();
};
const comeBack = async (): Promise<Head> => {
  good.set(() => undefined);
  await time.pass(60_000);
  await chain.head();
  return chain.head();
};
const behind = { code: "NODE_BEHIND" };

describe("an endpoint that is hundreds of blocks behind, and is the only one that answers,", () => {
  it("has no response forgotten that it does not have yet", async () => {
    await fallBack();
    await expect(judge(later)).rejects.toMatchObject(behind);
    await comeBack();
    expect((await judge(later)).intent).toMatchObject(later);
  });

  it("has nothing approved that somebody else has paid since", async () => {
    await fallBack();
    await expect(judge(paid)).rejects.toMatchObject(behind);
    expect(await journal.decisions(0)).toEqual([]);
    await comeBack();
    expect(await judge(paid)).toEqual({});
    expect(await journal.task(paid.task)).toMatchObject({ state: "closed", reason: "FINALIZED" });
  });

  it("opens no task again that is over", async () => {
    expect(await judge(paid)).toEqual({});
    const head$ = of(await fallBack());
    const watch = { isWatched };
    const opened$ = reopened$({ chain: { ...chain, head$ }, journal, watch, report, clock: time.clock });
    const opened = lastValueFrom(opened$.pipe(toArray()));
    await expect.poll(() => reports.at(-1)).toMatchObject({ what: "settled tasks", error: behind });
    await time.pass(5_000);
    expect(await opened).toEqual([]);
    expect((await journal.task(paid.task))?.state).toBe("closed");
  });

  it("has nothing signed that was approved before, and that somebody else has paid since", async () => {
    const head = await chain.head();
    await scannedTo(await chain.block(stoppedAt));
    const { intent } = await judge(paid, (...asked) => chain.snapshot(...asked, stoppedAt));
    expect(intent).toMatchObject(paid);
    await scannedTo(head);
    await fallBack();
    await expect(ask(intent)).rejects.toMatchObject(behind);
    await comeBack();
    expect(await ask(intent)).toMatchObject({
      type: "not-now",
      reason: expect.stringContaining("the task is FINALIZED"),
    });
  });
});

describe("an endpoint that is less far behind, and answers alone when the daemon starts again,", () => {
  /** The daemon had read so far before it stopped. */
  const startedAgain = async () => {
    await scannedTo(await chain.block(stoppedAt + 100n));
    chain = openChain();
    return fallBack();
  };

  it("has nothing approved that somebody else has paid since, and nothing forgotten that it does not have yet", async () => {
    await startedAgain();
    await expect(judge(paid)).rejects.toMatchObject(behind);
    await expect(judge(later)).rejects.toMatchObject(behind);
    expect(await journal.decisions(0)).toEqual([]);
    await comeBack();
    expect(await judge(paid)).toEqual({});
    expect((await judge(later)).intent).toMatchObject(later);
  });

  it("has nothing signed that was approved before, and that somebody else has paid since", async () => {
    await scannedTo(await chain.block(stoppedAt));
    const { intent } = await judge(paid, (...asked) => chain.snapshot(...asked, stoppedAt));
    await startedAgain();
    await expect(ask(intent)).rejects.toMatchObject(behind);
    await comeBack();
    expect(await ask(intent)).toMatchObject({ reason: expect.stringContaining("the task is FINALIZED") });
  });

  it("is believed as soon as the scanner itself has gone back to what it shows", async () => {
    const head = await startedAgain();
    await expect(judge(later)).rejects.toMatchObject(behind);
    await scannedTo(head);
    await expect(judge(paid)).resolves.toMatchObject({ intent: paid });
  });
});
