import { describe, expect, it } from "vitest";
import { feesFrom, type TipBounds } from "../../../src/chain/fees.ts";
import { type HttpRpc, type RpcAnswer, RpcError } from "../../../src/chain/jsonRpc.ts";

const hex = (value: number) => `0x${value.toString(16)}` as const;
const refused: RpcAnswer = { error: new RpcError("the method does not exist", -32601, undefined) };

type Node = {
  readonly baseFee?: number;
  readonly gasPrice?: number;
  readonly tip?: number;
  readonly history?: unknown;
};

/** A node that has what it is given, and refuses the rest. */
const nodeWith = ({ baseFee, gasPrice = 7, tip, history }: Node): HttpRpc => {
  const answers: Readonly<Record<string, RpcAnswer>> = {
    eth_getBlockByNumber: { result: { number: "0x1", ...(baseFee !== undefined && { baseFeePerGas: hex(baseFee) }) } },
    eth_gasPrice: { result: hex(gasPrice) },
    eth_maxPriorityFeePerGas: tip === undefined ? refused : { result: hex(tip) },
    eth_feeHistory: history === undefined ? refused : { result: history },
  };
  const batch: HttpRpc["batch"] = async (calls) => calls.map(({ method }) => answers[method] ?? refused);
  return { name: "node", batch, call: async () => Promise.reject(new Error("not asked")) };
};
const history = (...blocks: readonly (readonly [half: number, most: number, used: number])[]) => ({
  reward: blocks.map(([half, most]) => [hex(half), hex(most)]),
  gasUsedRatio: blocks.map(([, , used]) => used),
});

describe("what a transaction offers", () => {
  it("is the node's gas price on a chain without a base fee, whatever the tip's bounds", async () => {
    const fees = await feesFrom(nodeWith({ gasPrice: 9 }), { minTip: 50n, maxTip: 60n });
    expect(fees).toEqual({ type: "legacy", gasPrice: 9n });
  });

  it.each<[string, Node, TipBounds & { urgent?: boolean }, bigint]>([
    ["the median of what recent blocks tipped", { history: history([3, 9, 1], [5, 9, 1], [4, 9, 1]), tip: 99 }, {}, 4n],
    ["what the hurried ones tipped, where it is urgent", { history: history([3, 9, 1]) }, { urgent: true }, 9n],
    ["what blocks with transactions tipped", { history: history([3, 9, 0.5], [0, 0, 0], [0, 0, 0]) }, {}, 3n],
    ["the node's own tip where the blocks were empty", { history: history([0, 0, 0]), tip: 8 }, {}, 8n],
    ["the node's own tip where it tells no history", { tip: 8 }, {}, 8n],
    ["what its gas price holds above the base fee, where it tells neither", { gasPrice: 107 }, {}, 7n],
    ["one wei at the least", { tip: 0 }, {}, 1n],
    ["the floor, where others tip less", { tip: 8 }, { minTip: 20n }, 20n],
    ["the ceiling, where others tip more", { tip: 80 }, { maxTip: 20n }, 20n],
    ["the ceiling, also where it is urgent", { history: history([3, 90, 1]) }, { urgent: true, maxTip: 20n }, 20n],
    ["what others tip, between floor and ceiling", { tip: 15 }, { minTip: 10n, maxTip: 20n }, 15n],
  ])("tips %s, and leaves room for the base fee to double", async (_, node, bounds, tip) => {
    const fees = await feesFrom(nodeWith({ baseFee: 100, ...node }), bounds);
    expect(fees).toEqual({ type: "eip1559", maxPriorityFeePerGas: tip, maxFeePerGas: 200n + tip });
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ["a gas price that is none, without a base fee", { eth_getBlockByNumber: { number: "0x1" }, eth_gasPrice: "0x" }],
    ["a base fee that is none", { eth_getBlockByNumber: { number: "0x1", baseFeePerGas: null } }],
    ["a tip that is none", { eth_maxPriorityFeePerGas: "cheap" }],
    ["no tip, and a gas price that is none", { eth_maxPriorityFeePerGas: undefined, eth_gasPrice: {} }],
  ])("is not known by a node that tells %s: it has not answered", async (_, told) => {
    const answers: Readonly<Record<string, unknown>> = {
      ...{ eth_getBlockByNumber: { number: "0x1", baseFeePerGas: "0x1" }, eth_gasPrice: "0x1" },
      ...{ eth_maxPriorityFeePerGas: "0x1", ...told },
    };
    const toAnswer = (result: unknown): RpcAnswer => (result === undefined ? refused : { result });
    const rpc: HttpRpc = {
      ...nodeWith({}),
      batch: async (calls) => calls.map(({ method }) => toAnswer(answers[method])),
    };
    await expect(feesFrom(rpc)).rejects.toMatchObject({
      name: "EndpointError",
      message: expect.stringMatching(/^the endpoint node did not/),
    });
  });
});
