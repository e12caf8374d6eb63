import { beforeEach, describe, expect, it } from "vitest";
import { createConfirmLogs } from "../../../src/chain/confirmLogs.ts";
import { type HttpRpc, type RpcAnswer, type RpcCall, RpcError } from "../../../src/chain/jsonRpc.ts";
import { RetryableError } from "../../../src/errors.ts";
import type { Hash, Hex } from "../../../src/protocol/brand.ts";
import { eventTopics } from "../../../src/protocol/events.ts";
import { address, hashOf } from "../../support/fakeChain.ts";

const nexus = "0x2b0cC6058313801D5feb184a539e3a0C5A87a6a1" as const;
const topic = eventTopics.ResponseStatusChanged;
const head = { number: 102n, hash: hashOf(102) };
const [first, second] = [hashOf(0xa1), hashOf(0xa2)];
const log = (transactionHash: Hash | null, changes: Record<string, unknown> = {}) => ({
  address: nexus.toLowerCase(),
  topics: [topic],
  data: "0x",
  blockNumber: "0x65",
  blockHash: hashOf(101),
  logIndex: "0x0",
  removed: false,
  transactionHash,
  ...changes,
});

let now = 0;
let requests: (readonly RpcCall[])[] = [];
beforeEach(() => {
  now = 0;
  requests = [];
});
const onNode = (logs: () => unknown, block: unknown = head) => {
  const rpc: Pick<HttpRpc, "name" | "batch"> = {
    name: "node",
    batch: async (calls): Promise<readonly RpcAnswer[]> => {
      requests.push(calls);
      const found = logs();
      return [found instanceof RpcError ? { error: found } : { result: found }, { result: block }];
    },
  };
  return createConfirmLogs({ rpc: rpc as HttpRpc, nexus, now: () => now });
};
const ask = (confirmedIn: ReturnType<typeof onNode>) => confirmedIn([first, second], 100n, head);

describe("which transactions confirmed, by the logs of a few blocks", () => {
  it("is asked in one request, with the block that the node must have", async () => {
    expect(await ask(onNode(() => [log(first), log(second, { blockNumber: "0x66" })]))).toEqual(
      new Map([
        [first, 101n],
        [second, 102n],
      ]),
    );
    expect(requests).toEqual([
      [
        { method: "eth_getLogs", params: [{ address: nexus, topics: [topic], fromBlock: "0x64", toBlock: "0x66" }] },
        { method: "eth_getBlockByNumber", params: ["0x66", false] },
      ],
    ]);
  });

  it.each<[string, unknown]>([
    ["somebody else's transaction", log(hashOf(0xb1))],
    ["no transaction", log(null)],
    ["a pending block", log(first, { blockNumber: null })],
    ["what a reorg removed", log(first, { removed: true })],
    ["another contract", log(first, { address: address<Hex>(0xc) })],
    ["another event", log(first, { topics: [eventTopics.TaskStatusChanged] })],
    ["a block before those that were asked for", log(first, { blockNumber: "0x63" })],
    ["a block after them", log(first, { blockNumber: "0x67" })],
  ])("takes no log of %s for it", async (_, other) => {
    expect(await ask(onNode(() => [other, log(second)]))).toEqual(new Map([[second, 101n]]));
  });

  it.each<[string, unknown]>([
    ["stands on another branch", { ...head, hash: hashOf(0xbad) }],
    ["does not have that block", null],
  ])("says nothing where the node %s", async (_, block) => {
    expect(await ask(onNode(() => [log(first)], block))).toEqual(new Map());
  });

  it.each<[string, () => unknown]>([
    ["refuses", () => new RpcError("query returned more than 4 results", -32005, undefined)],
    ["answers something else", () => null],
    [
      "does not answer",
      () => {
        throw new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
      },
    ],
    ["tells of others' above all", () => [log(first), ...Array.from({ length: 20 }, (_, at) => log(hashOf(at)))]],
  ])("is not asked again for a minute where the node %s", async (_, logs) => {
    const confirmedIn = onNode(logs);
    await ask(confirmedIn);
    now = 59_999;
    expect(await ask(confirmedIn)).toEqual(new Map());
    expect(requests).toHaveLength(1);
    now = 60_000;
    await ask(confirmedIn);
    expect(requests).toHaveLength(2);
  });

  it("asks for nothing where there is nothing to ask", async () => {
    const confirmedIn = onNode(() => []);
    expect([await confirmedIn([], 100n, head), await confirmedIn([first], 103n, head)]).toEqual([new Map(), new Map()]);
    expect(requests).toEqual([]);
  });
});
