import { encodeAbiParameters, getAbiItem, toFunctionSelector, toHex } from "viem";
import { beforeEach, describe, expect, it } from "vitest";
import { createForesight } from "../../../src/chain/foresight.ts";
import { type HttpRpc, type RpcAnswer, type RpcCall, RpcError } from "../../../src/chain/jsonRpc.ts";
import { createSnapshotReader } from "../../../src/chain/snapshotReader.ts";
import { RetryableError } from "../../../src/errors.ts";
import { taskAbi } from "../../../src/protocol/abi.ts";
import type { Hex, ResponseAddress, SourceAddress } from "../../../src/protocol/brand.ts";
import { type Deployment, deploymentOn, mainnet } from "../../../src/protocol/chains.ts";
import { callView, revertBytes } from "../../sim/modelCalls.ts";
import { applyAction, emptyState, type ModelState } from "../../sim/modelContracts.ts";
import { address, client, hashOf, response, source, task } from "../../support/fakeChain.ts";

let newest = 0n;
let now = 0;
let requests = 0;
let asked: readonly RpcCall[] = [];
const rpc: HttpRpc = {
  name: "node",
  call: async () => undefined as never,
  batch: async (calls) => {
    requests += 1;
    asked = calls;
    return calls.map((): RpcAnswer => ({ error: new RpcError("header not found", -32000, undefined) }));
  },
};
let reader: ReturnType<typeof createSnapshotReader>;
beforeEach(() => {
  [newest, now, requests] = [100n, 0, 0];
  reader = createSnapshotReader({
    rpc,
    now: () => now,
    foresight: createForesight(address<Hex>(0xc), () => now),
    newest: () => newest,
    head: async () => {
      await Promise.resolve();
      newest = 100n;
    },
    missing: (what, block) => new RetryableError(`${what} in ${block}`, { code: "NODE_BEHIND" }),
  });
});
/** Requests that a snapshot costs, from when it is asked for. */
const costOf = async (responses: readonly ResponseAddress[], block?: bigint) => {
  const before = requests;
  await reader.snapshot(task, source, responses, block).catch(() => undefined);
  return requests - before;
};
const other = address<ResponseAddress>(0x99);

describe("a snapshot that was looked ahead for", () => {
  it("is under way when it is asked for, and is used once", async () => {
    const whole = await costOf([response]);
    expect(whole).toBeGreaterThan(0);
    now = 100_000;
    reader.lookAhead(task, source, [response]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await costOf([response])).toBe(0);
    expect(await costOf([response])).toBeGreaterThan(0);
  });

  it.each<[string, () => Promise<number>]>([
    ["other responses are asked for", () => costOf([response, other])],
    ["another block is asked for", () => costOf([response], 99n)],
    [
      "there is a newer block",
      () => {
        newest += 1n;
        return costOf([response]);
      },
    ],
    [
      "it was a while ago",
      () => {
        now += 250;
        return costOf([response]);
      },
    ],
  ])("is read anew when %s", async (_, cost) => {
    reader.lookAhead(task, source, [response]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await cost()).toBeGreaterThan(0);
  });

  it("fails as it would have failed, where it is asked for", async () => {
    reader.lookAhead(task, source, [response]);
    await new Promise((resolve) => setImmediate(resolve));
    await expect(reader.snapshot(task, source, [response])).rejects.toBeInstanceOf(Error);
  });

  it("is read where the head is, once that was asked for, while no block was heard of", async () => {
    newest = 0n;
    await expect(reader.snapshot(task, source, [response])).rejects.toThrow();
    expect(asked).toContainEqual({ method: "eth_getBlockByNumber", params: ["0x64", false] });
  });

  it("is not read ahead while no block was heard of", () => {
    newest = 0n;
    reader.lookAhead(task, source, [response]);
    expect(requests).toBe(0);
  });
});

const elsewhere = address<SourceAddress>(0x2b);
const rival = address<ResponseAddress>(0x3b);
const [one, two] = [address<Hex>(0x51), address<Hex>(0x52)];
const deployment = deploymentOn(mainnet.id) as Deployment;

/** Two sources of a client, a task of the first one, and `response` by the first of two providers that attempted it. */
function contracts(): ModelState {
  const state = emptyState();
  for (const each of [source, elsewhere]) {
    applyAction(state, { type: "publishSource", source: each, client, deliveryMethod: 0 }, 1);
  }
  applyAction(state, { type: "publishTask", task, source, config: "{}", expiryTime: 5_000, payment: 100n }, 1);
  for (const provider of [one, two]) applyAction(state, { type: "attempt", task, provider }, 2);
  applyAction(state, { type: "submit", response, task, provider: one, data: "{}", payment: 80n }, 3);
  return state;
}

/** A node with these contracts. It takes each question for itself, so that a strict one can revert a page past a list's end. */
function readerOf(
  state: ModelState,
  isStrict: boolean,
  blockHash = () => hashOf(100),
  meddle: (answer: RpcAnswer, call: { readonly to: Hex; readonly data: Hex }) => RpcAnswer = (answer) => answer,
) {
  const node: HttpRpc = {
    name: "node",
    call: async () => undefined as never,
    batch: async (calls) => {
      const hash = blockHash();
      return calls.map(({ method, params }): RpcAnswer => {
        if (method === "eth_getBlockByNumber") {
          return { result: { number: params[0], hash, parentHash: hashOf(99), timestamp: "0x3e8" } };
        }
        if (params.length > 2) return { error: new RpcError("too many arguments", -32602, undefined) };
        if (params[1] !== "0x64") return { error: new RpcError("header not found", -32000, undefined) };
        const call = params[0] as { to: Hex; data: Hex };
        const found = callView(state, deployment, call, isStrict);
        if (!found.ok) return { error: new RpcError("execution reverted", 3, revertBytes(found.reason)) };
        return meddle({ result: found.data }, call);
      });
    },
  };
  return createSnapshotReader({
    rpc: node,
    now: () => now,
    foresight: createForesight(address<Hex>(0xc), () => now),
    newest: () => newest,
    head: async () => undefined,
    missing: (what, block) => new RetryableError(`${what} in ${block}`, { code: "NODE_BEHIND" }),
  });
}

describe.each([
  ["whose lists may be asked past their end", false],
  ["whose lists revert past their end", true],
])("a snapshot of a node %s", (_, isStrict) => {
  const snapshotOf = (state: ModelState, asked: readonly ResponseAddress[], thought: SourceAddress = source) =>
    readerOf(state, isStrict).snapshot(task, thought, asked);

  it("holds no response that the task's own list does not hold, whatever that says of itself", async () => {
    const state = contracts();
    // As many answers as attempts, each by one of the providers that attempted.
    for (const [fake, provider] of [
      [rival, two],
      [other, one],
    ] as const) {
      state.responses.set(fake, { address: fake, task, provider, data: "{}", payment: 1n, status: 0, timestamp: 1 });
    }
    const { responses, untold } = await snapshotOf(state, [rival, other]);
    expect({ responses, untold }).toEqual({ responses: [], untold: [response] });
    const whole = await snapshotOf(state, [response, rival, other]);
    expect(whole.responses.map((each) => each.address)).toEqual([response]);
    expect(whole.untold).toEqual([]);
  });

  it("gives responses in the order of the attempts", async () => {
    const state = contracts();
    applyAction(state, { type: "submit", response: rival, task, provider: two, data: "{}", payment: 80n }, 3);
    const { responses, untold } = await snapshotOf(state, [rival, response]);
    expect({ responses: responses.map((each) => each.address), untold }).toEqual({
      responses: [response, rival],
      untold: [],
    });
  });

  it.each([
    ["another one", elsewhere],
    ["one that there is not", address<SourceAddress>(0x2c)],
  ])("has the source that the task names, where an event has named %s", async (_what, thought) => {
    const snapshot = await snapshotOf(contracts(), [response], thought);
    expect(snapshot.task.source).toBe(source);
    expect(snapshot.source.address).toBe(source);
    expect(snapshot.responses).toHaveLength(1);
  });

  it("cannot be had where the task names a source that there is not", async () => {
    const state = contracts();
    state.sources.delete(source);
    await expect(snapshotOf(state, [response])).rejects.toThrow(`source ${source} of task ${task} in 100`);
  });
});

const selectorOf = (name: "getAttemptCount" | "getResponsesOf" | "taskParams") =>
  toFunctionSelector(getAbiItem({ abi: taskAbi, name }));
const meddling = (name: Parameters<typeof selectorOf>[0], change: (result: Hex) => RpcAnswer) => {
  const selector = selectorOf(name);
  return readerOf(contracts(), false, undefined, (answer, { data }) =>
    data.startsWith(selector) && "result" in answer ? change(answer.result as Hex) : answer,
  );
};

it("a task whose node does not say how many attempted is not had: one that came first may be hidden", async () => {
  const silent = { error: new RpcError("execution reverted", 3, undefined) };
  await expect(meddling("getAttemptCount", () => silent).snapshot(task, source, [response])).rejects.toThrow(
    `the responses of task ${task} in 100`,
  );
});

it("a task of which the node lists fewer attempts than it counts is not had", async () => {
  const reader = meddling("getAttemptCount", () => ({ result: toHex(9, { size: 32 }) }));
  await expect(reader.snapshot(task, source, [response])).rejects.toThrow(`the responses of task ${task} in 100`);
});

it("a response that the node lists twice is one", async () => {
  const list = encodeAbiParameters([{ type: "address[]" }], [[response, response]]);
  const snapshot = await meddling("getResponsesOf", () => ({ result: list })).snapshot(task, source, [response]);
  expect(snapshot.responses.map((each) => each.address)).toEqual([response]);
  const untold = await meddling("getResponsesOf", () => ({ result: list })).snapshot(task, source, []);
  expect(untold.untold).toEqual([response]);
});

it("a task that the node does not have is asked for again elsewhere, or later", async () => {
  await expect(readerOf(emptyState(), false).snapshot(task, source, [response])).rejects.toMatchObject({
    code: "NODE_BEHIND",
    message: `task ${task} in 100`,
  });
});

it("a task that names one source and then another is not had: neither is known to be its own", async () => {
  let reads = 0;
  const reader = meddling("taskParams", (result) => {
    reads += 1;
    return { result: reads === 2 ? (result.replace(source.slice(2), elsewhere.slice(2)) as Hex) : result };
  });
  await expect(reader.snapshot(task, elsewhere, [response])).rejects.toThrow(`source ${elsewhere} of task ${task}`);
});

it("a list that is read on its own is read on the very block of the snapshot, or not at all", async () => {
  const hashes = [hashOf(100), hashOf(100), hashOf(0xbad)];
  const reader = readerOf(contracts(), true, () => hashes.shift() ?? hashOf(100));
  await expect(reader.snapshot(task, source, [response])).rejects.toThrow("the responses in 100");
  expect((await reader.snapshot(task, source, [response])).responses).toHaveLength(1);
});
