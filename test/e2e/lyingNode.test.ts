import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EMPTY, firstValueFrom, timeout } from "rxjs";
import { encodeFunctionData, encodeFunctionResult } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { createChain } from "../../src/chain/createChain.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { type HttpRpc, RpcError } from "../../src/chain/jsonRpc.ts";
import { systemClock } from "../../src/clock.ts";
import type { Confirmation, Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { judgeTask } from "../../src/judgeTask.ts";
import { notRead } from "../../src/payload/notRead.ts";
import { taskAbi } from "../../src/protocol/abi.ts";
import type { AccountAddress, ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { toAddress, wei } from "../../src/protocol/brand.ts";
import { TaskStatus } from "../../src/protocol/statuses.ts";
import { reopened$ } from "../../src/reopened.ts";
import type { Report } from "../../src/report.ts";
import { createGasFigure } from "../../src/sink/gasFigure.ts";
import { payable } from "../../src/sink/payable.ts";
import { policyOf } from "../unit/policy/support.ts";

let devnet: Devnet;
let source: SourceAddress;
let task: TaskAddress;
let response: ResponseAddress;
let directory: string;
let journal: Journal;
let reports: Report[];

beforeAll(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
  task = await devnet.client.publishTask({ source, config: '{"function_name":"f"}' });
  const provider = devnet.createProvider(behaviours.inline());
  await provider.enrol(source);
  await provider.attempt(task, 1n);
  response = (await provider.submit(task, "one", 1n)).response.toLowerCase() as ResponseAddress;
});
afterAll(() => devnet.stop());
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "lies-"));
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: devnet.chainId });
  reports = [];
});
afterEach(async () => {
  await journal.close();
  rmSync(directory, { recursive: true });
});

const honest = () => createJsonRpc({ url: devnet.rpc.http, timeoutMs: 10_000 });
/** Says of every task that it is canceled. It does not answer several calls as one. */
const liar = (): HttpRpc => {
  const rpc = honest();
  const asked = encodeFunctionData({ abi: taskAbi, functionName: "getStatus" });
  const lie = encodeFunctionResult({ abi: taskAbi, functionName: "getStatus", result: TaskStatus.CANCELED });
  return {
    ...rpc,
    batch: async (calls) => {
      const answers = await rpc.batch(calls);
      return answers.map((answer, index) => {
        const [call, , overrides] = calls[index]?.params ?? [];
        if (overrides !== undefined) return { error: new RpcError("too many arguments", -32602, undefined) };
        return (call as { data?: string }).data === asked ? { result: lie } : answer;
      });
    },
  };
};
const isWatched = async (each: SourceAddress) => each === source.toLowerCase();
const report = (each: Report) => void reports.push(each);
const chainOf = (rpc: HttpRpc, other = rpc) =>
  createChain({
    ...{
      rpc,
      apart: () => [rpc, other] as const,
      socket$: EMPTY,
      deployment: devnet.deployment,
      finality: 2,
      pollIntervalMs: 50,
    },
    ...{ clock: systemClock, report },
  });
const judge = (rpc: HttpRpc, which = task) => {
  const policy = policyOf("true", "mode: enforce\n");
  const deps = {
    chain: chainOf(rpc),
    journal,
    payload: { fetch: async () => ({ ...notRead, valid: true, json: { function_name: "f" } }) },
    policies: { policies: [policy], select: () => policy },
    ...{ clock: systemClock, report, isWatched },
  };
  return judgeTask(deps, { maxPayment: wei(10n ** 18n), dryRun: false }, which);
};
const watch = (rpc: HttpRpc, elsewhere: HttpRpc) =>
  reopened$({
    ...{ chain: chainOf(rpc, elsewhere), journal, clock: systemClock, report },
    watch: { isWatched },
  });

describe("a task that is over by a node's word", () => {
  it.each<[string, () => readonly [HttpRpc, HttpRpc]]>([
    ["the other one", () => [liar(), honest()]],
    ["it, which is asked second,", () => [honest(), liar()]],
  ])("is judged again once the block is final, and an honest endpoint beside %s is asked", async (_, endpoints) => {
    await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
    expect(await judge(liar())).toEqual({});
    expect(await journal.task(task)).toMatchObject({ state: "closed", reason: "CANCELED" });
    await devnet.mine(2);
    expect(await firstValueFrom(watch(...endpoints()).pipe(timeout(30_000)))).toBe(task);
    expect((await judge(honest())).intent).toMatchObject({ task, response });
  });

  it("stays closed where it is so, and is asked for no more", async () => {
    const canceled = await devnet.client.publishTask({ source, config: '{"function_name":"f"}' });
    await devnet.client.cancelTask(canceled);
    await journal.intake({ tasks: [{ task: canceled, source }], responses: [], touched: [] });
    await judge(honest(), canceled);
    await devnet.mine(2);
    const settled = () => journal.settledTasks({ upTo: 1_000_000n, beyond: 1_000_000n, after: undefined }, 10);
    expect(await settled()).toHaveLength(1);
    const watching = watch(honest(), honest()).subscribe();
    await vi.waitFor(async () => expect(await settled()).toEqual([]), { timeout: 30_000 });
    watching.unsubscribe();
    expect((await journal.task(canceled))?.state).toBe("closed");
    expect(reports.filter(({ type }) => type === "retry" || type === "reopened")).toEqual([]);
  });
});

describe("an approved payment that is over by a node's word", () => {
  it("waits while another endpoint says otherwise, and is settled where both say so", async () => {
    await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
    const { intent } = await judge(honest());
    await devnet.mine(2);
    const from = toAddress<AccountAddress>(devnet.accounts.agent.address);
    const ask = (...endpoints: [HttpRpc, HttpRpc]) =>
      payable(
        { chain: chainOf(...endpoints), journal, gasFigure: createGasFigure(() => 0) },
        intent as Confirmation,
        from,
      );
    const reason = "the task is CANCELED, and another endpoint says otherwise";
    expect(await ask(liar(), honest())).toEqual({ type: "not-now", reason });
    expect(await ask(honest(), liar())).toMatchObject({ type: "yes" });
    expect(await ask(liar(), liar())).toMatchObject({ type: "settled", reason: "the task is CANCELED" });
  });
});
