import { describe, expect, it } from "vitest";
import type { RpcCall } from "../../../src/chain/jsonRpc.ts";
import { answering, openEndpointStage, type Reply } from "../../support/endpointStage.ts";
import { hashOf } from "../../support/fakeChain.ts";

const latest = ["eth_getBlockByNumber", "latest", false] as const;
const head = { number: "0x64", hash: hashOf(100), parentHash: hashOf(99), timestamp: "0x1" };
const by = (block: string): RpcCall => ({ method: "eth_getBlockByNumber", params: [block, false] });
const saying = (said: unknown): Reply => answering(({ method }) => (method === "eth_blockNumber" ? "0x64" : said));

it.each<[string, unknown]>([
  ["null", null],
  ["a block without a number", { ...head, number: undefined }],
  ["a block whose number is decimal", { ...head, number: 100 }],
  ["a block without a hash", { ...head, hash: null }],
])("asks another endpoint for the head where one answers %s, and goes on with that one", async (_, said) => {
  const stage = await openEndpointStage([saying(said), saying(head)]);
  for (let turn = 0; turn < 20; turn++) {
    expect(await stage.endpoints.call(...latest)).toEqual(head);
    await stage.pass(1_000);
  }
  expect(stage.endpoints.name).toBe(stage.names[1]);
});

describe("an endpoint that answers what cannot be read", () => {
  it.each<[string, RpcCall, unknown, unknown]>([
    ["a block that it is asked for by its number", by("0x64"), { ...head, hash: undefined }, head],
    ["the final block", by("finalized"), { ...head, number: undefined }, head],
    ["the logs of a range", { method: "eth_getLogs", params: [{ fromBlock: "0x1", toBlock: "0x2" }] }, null, []],
    ["the logs of a block", { method: "eth_getLogs", params: [{ blockHash: hashOf(1) }] }, null, []],
  ])("where it is asked for %s counts as one that does not answer", async (_, call, said, right) => {
    const stage = await openEndpointStage([saying(said), saying(right)]);
    expect(await stage.endpoints.batch([call])).toEqual([{ result: right }]);
    expect(stage.events()).toEqual(["0 down"]);
  });

  it("is one that answers where it says that there is no such block", async () => {
    const stage = await openEndpointStage([saying(null), saying(null)]);
    expect(await stage.endpoints.batch([by("0x64")])).toEqual([{ result: null }]);
    expect(stage.events()).toEqual([]);
  });
});
