import { describe, expect, it } from "vitest";
import { backoffHint, saysBehind } from "../../../src/chain/endpoints/answerShapes.ts";
import { createBatchWidth } from "../../../src/chain/endpoints/batchWidth.ts";
import { inOrder } from "../../../src/chain/endpoints/candidates.ts";
import type { EndpointHealth } from "../../../src/chain/endpoints/endpointHealth.ts";
import { createRecord } from "../../../src/chain/endpoints/endpointRecord.ts";
import {
  afterAnswer,
  afterFailure,
  afterHead,
  expectedCost,
  freshHealth,
} from "../../../src/chain/endpoints/healthState.ts";
import { inParallel } from "../../../src/chain/endpoints/inParallel.ts";
import { createMissingMethods } from "../../../src/chain/endpoints/missingMethods.ts";
import { answeredElsewhere, refusedCalls } from "../../../src/chain/endpoints/refusedCalls.ts";
import { RpcError } from "../../../src/chain/jsonRpc.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

describe("the width of an endpoint's batches", () => {
  it("grows by no refusal of an older and wider batch, and is news once", () => {
    const { clock } = createVirtualTime();
    const width = createBatchWidth(100, clock);
    expect([width.refused("size", 40), width.current()]).toEqual([true, 20]);
    expect([width.refused("size", 100), width.current()]).toEqual([false, 20]);
    expect([width.refused("always", 20), width.current()]).toEqual([true, 1]);
    expect([width.refused("size", 3), width.current()]).toEqual([false, 1]);
  });
});

describe("a pause that a node asks for in its answer", () => {
  const hint = (backoff_seconds: unknown) =>
    backoffHint(new RpcError("slow down", -32005, { rate: { backoff_seconds } }));

  it("is kept, but never longer than five minutes, and only where it is a number", () => {
    expect([hint(30), hint(0.5), hint(86_400)]).toEqual([30_000, 500, 300_000]);
    expect([hint(-1), hint("30"), hint(undefined), backoffHint(new RpcError("no", -32005, undefined))]).toEqual(
      Array.from({ length: 4 }),
    );
  });
});

it("a node that has dropped the state that it is asked for is behind, unless a contract chose the words", () => {
  expect(saysBehind(new RpcError("historical state 0xab is not available", -32000, undefined))).toBe(true);
  expect(saysBehind(new RpcError("no", 4444, undefined))).toBe(true);
  expect(saysBehind(new RpcError("execution reverted: header not found", 3, undefined))).toBe(false);
  expect(saysBehind(new RpcError("execution reverted: missing trie node", 3, undefined))).toBe(false);
});

describe("which endpoint is asked first", () => {
  const fresh = freshHealth(0);
  const failing = afterFailure(fresh, { startedAt: 0, now: 0, cooldownMs: 30_000, jitter: 0.5 });
  const lacking = afterAnswer(fresh, { startedAt: 0, now: 0, isBehind: true, isSmall: false });
  const slow = { ...fresh, latencyMs: 900 };

  it("is not the one that failed a short time ago, nor one that lacked a block, though another is slower", () => {
    const ofSlow = expectedCost(slow, 0);
    expect(expectedCost(failing, 0)).toBeGreaterThan(ofSlow);
    expect(expectedCost(lacking, 0)).toBeGreaterThan(expectedCost(fresh, 0));
    expect(expectedCost(failing, 600_000)).toBeLessThan(ofSlow);
  });

  it("is one that hangs behind the less, the further behind it is, up to a number of blocks", () => {
    const cost = (lag: bigint) => expectedCost(afterHead(fresh, 1_000n, 1_000n + lag), 0);
    expect(cost(2n)).toBe(cost(0n));
    expect(cost(10n)).toBeGreaterThan(cost(3n));
    expect(cost(3n)).toBeGreaterThan(cost(2n));
    expect(cost(500n)).toBe(cost(60n));
  });

  it("is the one that is free first where all are left alone", () => {
    const left = (name: string, state: EndpointHealth["state"], forMs: number) => ({
      name,
      health: () => ({ state, forMs, cost: 100 }) as EndpointHealth,
    });
    const all = [left("a", "cooling", 9_000), left("b", "limited", 2_000), left("c", "cooling", 5_000)];
    const { usable, rest } = inOrder(all, all[0]);
    expect([usable, rest.map(({ name }) => name)]).toEqual([[], ["b", "c", "a"]]);
  });

  it("is not one that failed, because it answered what it had been asked before it did", () => {
    const answer = (startedAt: number) =>
      afterAnswer(afterFailure(fresh, { startedAt: 5, now: 10, cooldownMs: 30_000, jitter: 0.5 }), {
        startedAt,
        now: 20,
        isBehind: false,
        isSmall: true,
      });
    expect(answer(9)).toMatchObject({ failuresInRow: 1, coolUntil: 30_010 });
    expect(answer(10)).toMatchObject({ failuresInRow: 0, coolUntil: Number.NEGATIVE_INFINITY });
  });
});

describe("an endpoint that is asked too often, and does not say for how long to wait", () => {
  const open = () => {
    const { clock, pass } = createVirtualTime();
    const record = createRecord(
      { name: "a", clock, random: () => 0.5, cooldownMs: 30_000, report: () => undefined },
      { newestHead: () => undefined, onHead: () => undefined },
    );
    const answered = (startedAt: number) =>
      record.answered([{ method: "eth_call", params: [] }], [{ result: "0x" }], startedAt);
    return { clock, pass, record, answered };
  };

  it("is left alone for longer each time, and many refusals at once are one", async () => {
    const { clock, pass, record } = open();
    await pass(1_000);
    const startedAt = clock.now();
    await pass(1_000);
    expect(record.limited(startedAt, undefined)).toBe(1_000);
    expect(record.limited(startedAt, undefined)).toBe(1_000);
    await pass(1_000);
    expect(record.limited(clock.now(), undefined)).toBe(2_000);
    expect(record.limited(clock.now(), 700)).toBe(700);
  });

  it("is left alone for a short time again after an answer, but not after one to what was asked before", async () => {
    const { clock, pass, record, answered } = open();
    await pass(1_000);
    record.limited(clock.now(), undefined);
    await pass(1_000);
    answered(500);
    expect(record.limited(clock.now(), undefined)).toBe(2_000);
    await pass(1_000);
    answered(clock.now());
    expect(record.limited(clock.now(), undefined)).toBe(1_000);
  });
});

describe("a method that an endpoint refused", () => {
  const traces = [{ method: "trace_block", params: [] }];
  const open = () => {
    const { clock, pass } = createVirtualTime();
    return { missing: createMissingMethods(clock), pass };
  };

  it("is not asked of it for ten minutes, and is news once", async () => {
    const { missing, pass } = open();
    expect([missing.includes(traces), missing.refused("trace_block"), missing.includes(traces)]).toEqual([
      ...[false, true, true],
    ]);
    expect(missing.refused("trace_block")).toBe(false);
    await pass(599_950);
    expect(missing.includes(traces)).toBe(true);
    await pass(50);
    expect([missing.includes(traces), missing.refused("trace_block")]).toEqual([false, false]);
  });

  it("is one that it does again once it has answered it, and no refusal says so", () => {
    const { missing } = open();
    missing.refused("trace_block");
    missing.answered(traces, [{ error: new RpcError("header not found", -32000, undefined) }]);
    expect(missing.includes(traces)).toBe(true);
    missing.answered(traces, [{ result: [] }]);
    expect([missing.includes(traces), missing.refused("trace_block")]).toEqual([false, true]);
  });

  it("is asked of it again where it refused everything since, and is no news then", () => {
    const { missing } = open();
    missing.refused("trace_block");
    missing.forget();
    expect([missing.includes(traces), missing.refused("trace_block")]).toEqual([false, false]);
  });
});

describe("transactions of one request, of which some were refused for the endpoint's own reasons", () => {
  const sends = ["0x1", "0x2"].map((raw) => ({ method: "eth_sendRawTransaction", params: [raw] }));
  const reads = sends.map(() => ({ method: "eth_call", params: [] }));
  const noKey = { error: new RpcError("invalid api key", -32001, undefined) };
  const known = { error: new RpcError("already known", -32000, undefined) };

  it("are another endpoint's only where all were: of what was taken a second word is worth less", () => {
    expect(answeredElsewhere(sends, [{ result: "0x" }, noKey])).toEqual([]);
    expect(answeredElsewhere(sends, [noKey, noKey])).toEqual(sends);
    expect(answeredElsewhere(reads, [{ result: "0x" }, noKey])).toEqual(reads.slice(1));
  });

  it("say nothing of the request as such only where each was refused for a reason of the endpoint's own", () => {
    const isAll = (...answers: Parameters<typeof refusedCalls>[1]) => refusedCalls(sends, answers)?.isAll;
    expect([isAll(noKey, noKey), isAll(noKey, known), isAll(noKey, { result: "0x" })]).toEqual([true, false, false]);
  });

  it("tell that the account is refused, which of reads one answer speaks against", () => {
    expect(refusedCalls(sends, [known, noKey])?.account).toEqual({ fault: "key", error: noKey.error });
    expect(refusedCalls(reads, [{ result: "0x" }, noKey])?.account).toBeUndefined();
  });
});

it("work that is done for several at once ends with the first error: nothing more is begun", async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    await Promise.resolve();
    if (item === 1) throw new Error("down");
  };
  await expect(inParallel([0, 1, 2, 3, 4, 5], 2, work)).rejects.toThrow("down");
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual([0, 1, 2]);
});
