import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EMPTY } from "rxjs";
import { encodeFunctionData, toHex } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { createChain } from "../../src/chain/createChain.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { type HttpRpc, type RpcCall, RpcError } from "../../src/chain/jsonRpc.ts";
import { systemClock } from "../../src/clock.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { judgeTask } from "../../src/judgeTask.ts";
import { notRead } from "../../src/payload/notRead.ts";
import { taskAbi } from "../../src/protocol/abi.ts";
import type { ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { wei } from "../../src/protocol/brand.ts";
import type { Report } from "../../src/report.ts";
import { policyOf } from "../unit/policy/support.ts";

let devnet: Devnet;
let source: SourceAddress;
let task: TaskAddress;
let earlier: ResponseAddress;
let later: ResponseAddress;
let directory: string;
let journal: Journal;
let reports: Report[];
let requests: number;

beforeAll(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
  task = await devnet.client.publishTask({ source, config: '{"function_name":"f"}' });
  const providers = [devnet.createProvider(behaviours.inline()), devnet.createProvider(behaviours.inline())];
  for (const provider of providers) await provider.enrol(source);
  const idle = devnet.createProvider(behaviours.inline());
  await idle.enrol(source);
  const [first, second] = providers;
  // Neither the order of the attempts nor that of the addresses is the one of the answers.
  for (const provider of [idle, second, first]) await provider?.attempt(task, 1n);
  earlier = (await first?.submit(task, "one", 1n))?.response as ResponseAddress;
  await devnet.travel(5);
  later = (await second?.submit(task, "two", 1n))?.response as ResponseAddress;
});
afterAll(() => devnet.stop());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "untold-"));
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: devnet.chainId });
  reports = [];
  requests = 0;
});
afterEach(async () => {
  await journal.close();
  rmSync(directory, { recursive: true });
});

const lowerCase = (address: string) => address.toLowerCase() as ResponseAddress;
const know = (...responses: readonly string[]) =>
  journal.intake({
    tasks: [{ task, source }],
    responses: responses.map((response) => ({ response: lowerCase(response), task })),
    touched: [],
  });

/**
 * The node, with requests counted; a strict one reverts where a page ends past the end of a list, and does not answer several
 * calls as one: what it reverts could not be told apart there.
 */
function node(isStrict: boolean): HttpRpc {
  const rpc = createJsonRpc({ url: devnet.rpc.http, timeoutMs: 10_000 });
  const end = (upper: bigint) =>
    encodeFunctionData({ abi: taskAbi, functionName: "getResponsesOf", args: [0n, upper] }).slice(-64);
  const selector = encodeFunctionData({ abi: taskAbi, functionName: "getResponsesOf", args: [0n, 0n] }).slice(0, 10);
  const isPastTheEnd = ({ method, params }: RpcCall) => {
    const data = method === "eth_call" ? (params[0] as { data: string }).data : "";
    return data.startsWith(selector) && data.slice(-64) > end(3n);
  };
  return {
    ...rpc,
    batch: async (calls) => {
      requests += 1;
      const answers = await rpc.batch(calls);
      return answers.map((answer, at) => {
        const call = calls[at] as RpcCall;
        if (isStrict && call.params.length === 3)
          return { error: new RpcError("too many arguments", -32602, undefined) };
        return isStrict && isPastTheEnd(call) ? { error: new RpcError("execution reverted", 3, "0x") } : answer;
      });
    },
  };
}

function judge(isStrict: boolean) {
  const chain = createChain({
    rpc: node(isStrict),
    socket$: EMPTY,
    deployment: devnet.deployment,
    finality: 1,
    pollIntervalMs: 60_000,
    clock: systemClock,
    report: () => undefined,
  });
  const policy = policyOf("true", "mode: enforce\n");
  const deps = {
    chain,
    journal,
    isWatched: async () => true,
    payload: { fetch: async () => ({ ...notRead, valid: true, json: { function_name: "f" } }) },
    policies: { policies: [policy], select: () => policy },
    clock: systemClock,
    report: (each: Report) => void reports.push(each),
  };
  return judgeTask(deps, { maxPayment: wei(10n ** 18n), dryRun: false }, task);
}

/** A contract that says of itself what the earlier response says, and that it came first; the task knows nothing of it. */
async function forge(): Promise<ResponseAddress> {
  const forged = `0x${"f0".repeat(20)}` as ResponseAddress;
  const rpc = createJsonRpc({ url: devnet.rpc.http, timeoutMs: 10_000 });
  await testNode(devnet.network, "anvil_setCode", [forged, await rpc.call("eth_getCode", earlier, "latest")]);
  const timestampSlot = 1;
  for (let slot = 0; slot < 8; slot++) {
    const said = await rpc.call("eth_getStorageAt", earlier, toHex(slot), "latest");
    const value = slot === timestampSlot ? toHex(1, { size: 32 }) : said;
    await testNode(devnet.network, "anvil_setStorageAt", [forged, toHex(slot), value]);
  }
  await devnet.mine();
  return forged;
}

describe.each([
  ["a node whose lists may be asked past their end", false],
  ["a node whose lists revert past their end", true],
])("on %s", (_, isStrict) => {
  it("pays the earlier response although only the later one was told of", async () => {
    await know(later);
    const { intent } = await judge(isStrict);
    expect(intent?.response).toBe(lowerCase(earlier));
    expect(reports).toContainEqual({ type: "intake", via: "look", tasks: 0, responses: 1, block: undefined });
    expect((await journal.task(task))?.responses.toSorted()).toEqual([earlier, later].map(lowerCase).toSorted());
  });

  it("pays nothing that only says of itself that it answers the task", async () => {
    await know(earlier, later, await forge());
    const { intent } = await judge(isStrict);
    expect(intent?.response).toBe(lowerCase(earlier));
    const record = await journal.task(task);
    expect(record?.responses).toHaveLength(3);
    expect(record?.verdicts.map((verdict) => verdict.response)).toEqual([lowerCase(earlier)]);
  });

  it("reads the list in the request of the snapshot", async () => {
    await know(earlier, later);
    const { intent } = await judge(isStrict);
    expect(intent?.response).toBe(lowerCase(earlier));
    expect(reports.filter(({ type }) => type === "intake")).toEqual([]);
    // As one call, then apart; and a strict list is asked once more.
    expect(requests).toBe(isStrict ? 3 : 1);
  });
});
