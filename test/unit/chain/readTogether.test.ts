import { describe, expect, it } from "vitest";
import type { Read } from "../../../src/chain/contractReads.ts";
import type { HttpRpc, RpcAnswer, RpcCall } from "../../../src/chain/jsonRpc.ts";
import { RpcError, resultOf } from "../../../src/chain/jsonRpc.ts";
import { createReadTogether } from "../../../src/chain/readTogether.ts";
import type { Hex } from "../../../src/protocol/brand.ts";

const block = "0x10" as Hex;
const view = (name: string): Read<unknown> => ({
  call: { method: "eth_call", params: [{ to: `0x${"11".repeat(20)}`, data: name }, block] },
  decode: (answer) => ("error" in answer ? undefined : resultOf(answer)),
});
const reads: readonly Read<unknown>[] = [
  view("0xaa"),
  { call: { method: "eth_getBlockByNumber", params: [block, false] }, decode: resultOf },
  view("0xbb"),
];
const answersOf = (parts: readonly (readonly [ok: boolean, data: string])[]): Hex =>
  `0x${parts.map(([ok, data]) => `0${Number(ok)}${((data.length - 2) / 2).toString(16).padStart(8, "0")}${data.slice(2)}`).join("")}`;

/** A node that takes reads apart as they are, and those that come as one call as it is told. */
const node = (together: (call: RpcCall) => RpcAnswer) => {
  const requests: number[] = [];
  const rpc: HttpRpc = {
    name: "node",
    call: () => Promise.reject(new Error("not asked here")),
    batch: async (calls) => {
      requests.push(calls.length);
      return calls.map((call) => {
        if (call.method !== "eth_call") return { result: "the block" };
        if (call.params.length === 3) return together(call);
        return { result: (call.params[0] as { data: string }).data };
      });
    },
  };
  return { rpc, requests };
};
const apart = ["0xaa", "the block", "0xbb"];

describe("reading together", () => {
  it("asks for everything in one request, and gives the answers in the order of the reads", async () => {
    const { rpc, requests } = node(() => ({
      result: answersOf([
        [true, "0xaa01"],
        [false, "0xdead"],
      ]),
    }));
    const { values, tried } = await createReadTogether(rpc, () => 0)(reads, block);
    expect([values, tried, requests]).toEqual([["0xaa01", "the block", undefined], [], [2]]);
  });

  it("tells what was tried behind the reads", async () => {
    const { rpc } = node(() => ({
      result: answersOf([
        [true, "0xaa"],
        [true, "0xbb"],
        [false, "0x"],
      ]),
    }));
    const call = { to: `0x${"22".repeat(20)}`, data: "0xcc", gas: 1n } as const;
    const tries = { from: `0x${"33".repeat(20)}` as never, calls: [call] };
    expect((await createReadTogether(rpc, () => 0)(reads, block, tries)).tried).toEqual([{ ok: false, data: "0x" }]);
  });

  it.each<[string, RpcAnswer]>([
    ["passes the replaced code over", { result: "0x" }],
    ["refuses it", { error: new RpcError("too many arguments", -32602, undefined) }],
  ])("asks one by one, and so for a minute, where the node %s", async (_, answer) => {
    const { rpc, requests } = node(() => answer);
    let now = 0;
    const read = createReadTogether(rpc, () => now);
    for (let time = 0; time < 2; time++) expect(await read(reads, block)).toEqual({ values: apart, tried: undefined });
    expect(requests).toEqual([2, 3, 3]);
    now = 60_000;
    await read(reads, block);
    expect(requests).toEqual([2, 3, 3, 2, 3]);
  });

  it("does not take a node without the block for one that does not do this", async () => {
    const { rpc, requests } = node(() => ({ error: new RpcError("header not found", -32000, undefined) }));
    const read = createReadTogether(rpc, () => 0);
    for (let time = 0; time < 2; time++) expect((await read(reads, block)).values).toEqual(apart);
    expect(requests).toEqual([2, 3, 2, 3]);
  });

  it("reads nothing of a block that is not there, whatever else is said, and asks together again", async () => {
    const requests: number[] = [];
    const rpc: HttpRpc = {
      name: "node",
      call: () => Promise.reject(new Error("not asked here")),
      batch: async (calls) => {
        requests.push(calls.length);
        return calls.map(({ method }) =>
          method === "eth_call" ? { error: new RpcError("no such height", -1, undefined) } : { result: null },
        );
      },
    };
    const read = createReadTogether(rpc, () => 0);
    const nothing = { values: [undefined, undefined, undefined], tried: undefined };
    expect([await read(reads, block), await read(reads, block)]).toEqual([nothing, nothing]);
    expect(requests).toEqual([2, 2]);
  });

  it("asks one by one this time, where a contract failed without a word: it may have been the gas", async () => {
    const { rpc, requests } = node(() => ({
      result: answersOf([
        [true, "0xaa"],
        [false, "0x"],
      ]),
    }));
    const read = createReadTogether(rpc, () => 0);
    for (let time = 0; time < 2; time++) expect((await read(reads, block)).values).toEqual(apart);
    expect(requests).toEqual([2, 3, 2, 3]);
  });
});
