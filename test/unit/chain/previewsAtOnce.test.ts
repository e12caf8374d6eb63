import { encodeFunctionResult } from "viem";
import { describe, expect, it } from "vitest";
import type { Preview, PreviewAsk } from "../../../src/chain/confirmPreviews.ts";
import { type HttpRpc, type RpcAnswer, RpcError } from "../../../src/chain/jsonRpc.ts";
import { createPreviews } from "../../../src/chain/previewsAtOnce.ts";
import { responseAbi } from "../../../src/protocol/abi.ts";
import type { AccountAddress, Hex, ResponseAddress, TaskAddress } from "../../../src/protocol/brand.ts";
import { readCalls, writeAnswers } from "../../sim/modelTries.ts";
import { address } from "../../support/fakeChain.ts";

const from = address<AccountAddress>(0xd1);
const asksOf = (count: number): readonly PreviewAsk[] =>
  Array.from({ length: count }, (_, index) => ({
    task: address<TaskAddress>(0x1000 + index),
    response: address<ResponseAddress>(0x2000 + index),
    from,
    gas: 120_000n,
  }));
/** To each its own answer, so that none is taken for another's. */
function resultOf({ to, data }: { readonly to: Hex; readonly data: Hex }): Hex {
  if (data.length > 10 || to < address<Hex>(0x1000)) return "0x";
  if (to < address<Hex>(0x2000))
    return encodeFunctionResult({ abi: responseAbi, functionName: "getStatus", result: 2 });
  if (data.startsWith(statusCall))
    return encodeFunctionResult({ abi: responseAbi, functionName: "getStatus", result: 0 });
  const task = address<Hex>(Number(BigInt(to)) - 0x1000);
  const result = { task, provider: from, data: "{}", payment: 5n };
  return encodeFunctionResult({ abi: responseAbi, functionName: "getResponseParams", result });
}
const statusCall = "0x4e69d560";

/** A node that takes so many confirmations in one call, and others one by one. */
function nodeThatTakes(most: number) {
  const widths: number[] = [];
  let apart = 0;
  const rpc: HttpRpc = {
    name: "node",
    call: () => Promise.reject(new Error("not asked here")),
    batch: async (calls) =>
      calls.map(({ params }): RpcAnswer => {
        const asked = params[0] as { readonly to: Hex; readonly data: Hex };
        if (params.length < 3) {
          apart += 1;
          return { result: resultOf(asked) };
        }
        const tried = readCalls(asked.data);
        widths.push(tried.length / 4);
        if (tried.length / 4 > most) return { error: new RpcError("out of gas", -32000, undefined) };
        return { result: writeAnswers(tried.map((call) => ({ ok: true, data: resultOf(call) }))) };
      }),
  };
  return { rpc, widths, apart: () => apart };
}

describe("many confirmations that are looked at in one call", () => {
  const open = (most: number) => {
    const node = nodeThatTakes(most);
    let time = 0;
    const simulate = () => Promise.reject(new Error("nothing is estimated here"));
    const previews = createPreviews({ rpc: node.rpc, controller: address<Hex>(0xc0), now: () => time, simulate });
    const look = async (count: number) => {
      const asks = asksOf(count);
      const found = (await previews(asks, 7n)) as readonly Preview[];
      expect(found.map(({ response, simulation }) => [response?.task, simulation])).toEqual(
        asks.map(({ task, gas }) => [task, { ok: true, gas }]),
      );
      return node.widths.splice(0);
    };
    const pass = (ms: number) => {
      time += ms;
    };
    return { look, pass, apart: node.apart };
  };

  it("are looked at in fewer where a node does not take as many, and after a while in as many again", async () => {
    const { look, pass, apart } = open(40);
    expect(await look(100)).toEqual([100, 50, 25, 25, 25, 25]);
    expect(await look(100)).toEqual([25, 25, 25, 25]);
    expect(await look(24)).toEqual([24]);
    pass(60_000);
    expect(await look(60)).toEqual([60, 30, 30]);
    expect(apart()).toBe(0);
  });

  it("are asked for one by one where a node does it with none", async () => {
    const { look, pass, apart } = open(0);
    expect(await look(100)).toEqual([100, 50, 25, 13]);
    expect(await look(100)).toEqual([]);
    expect(apart()).toBe(2 * 100 * 4);
    pass(60_000);
    expect(await look(3)).toEqual([3]);
  });
});

it.each([40, 0])(
  "are told apart from one whose task is not there, by a node that takes %i in one call",
  async (most) => {
    const { rpc } = nodeThatTakes(most);
    const simulate = () => Promise.reject(new Error("nothing is estimated here"));
    const previews = createPreviews({ rpc, controller: address<Hex>(0xc0), now: () => 0, simulate });
    const [first, second] = asksOf(2) as [PreviewAsk, PreviewAsk];
    const gone = { ...first, task: address<TaskAddress>(0xfff) };
    expect(await previews([gone, second], 7n)).toMatchObject([
      { block: 7n, taskStatus: undefined, response: undefined, simulation: { ok: false } },
      { taskStatus: 2, response: { task: second.task }, simulation: { ok: true } },
    ]);
  },
);

it("is told that the node lacks the block of each of them, and asks it for many at once again", async () => {
  const widths: number[] = [];
  const refusal = new RpcError("block height is 6 but requested was 7", -32602, undefined);
  const rpc: HttpRpc = {
    name: "node",
    call: () => Promise.reject(new Error("not asked here")),
    batch: async (calls) => {
      widths.push(calls.length);
      return calls.map((): RpcAnswer => ({ error: refusal }));
    },
  };
  const simulate = () => Promise.reject(new Error("nothing is estimated here"));
  const previews = createPreviews({ rpc, controller: address<Hex>(0xc0), now: () => 0, simulate });
  for (let time = 0; time < 2; time++) expect(await previews(asksOf(3), 7n)).toEqual([refusal, refusal, refusal]);
  expect(widths).toEqual([1, 1]);
});
