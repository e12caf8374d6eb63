import { EMPTY } from "rxjs";
import { describe, expect, it } from "vitest";
import { createChain } from "../../../src/chain/createChain.ts";
import { type HttpRpc, type RpcAnswer, RpcError } from "../../../src/chain/jsonRpc.ts";
import { toQuantity } from "../../../src/chain/wire.ts";
import { systemClock } from "../../../src/clock.ts";
import { RetryableError } from "../../../src/errors.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { hashOf, response, task } from "../../support/fakeChain.ts";

const deployment = deploymentOn(1071);
if (deployment === undefined) throw new TypeError("no deployment to test with");

/** A node up to a block, which takes no calls together; `undefined`: it does not answer. */
const nodeAt = (head: bigint | undefined, asked: string[] = []): HttpRpc => ({
  name: "node",
  call: () => Promise.reject(new Error("not asked here")),
  batch: async (calls) => {
    if (head === undefined) throw new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
    return calls.map(({ method, params }): RpcAnswer => {
      if (method !== "eth_getBlockByNumber")
        return params.length === 3
          ? { error: new RpcError("too many arguments", -32602, undefined) }
          : { result: "0x" };
      const number = BigInt(params[0] as string);
      asked.push(String(number));
      const block = { number: toQuantity(number), hash: hashOf(number), parentHash: hashOf(0), timestamp: "0x3e8" };
      return { result: number <= head ? block : null };
    });
  },
});
const paymentsOn = (one: HttpRpc, other: HttpRpc) =>
  createChain({
    ...{ rpc: one, apart: () => [one, other], socket$: EMPTY, deployment, finality: 3, pollIntervalMs: 60_000 },
    ...{ clock: systemClock, report: () => undefined },
  }).paymentsByTwo([{ task, response }], 1_000n);
const blocksIn = async (told: ReturnType<typeof paymentsOn>) =>
  (await told).map((each) => (each.status === "fulfilled" ? each.value.block.number : undefined));

describe("what two endpoints say of payments", () => {
  it("is told of a block that both have, where one is twenty behind the final block for ever", async () => {
    expect(await blocksIn(paymentsOn(nodeAt(1_003n), nodeAt(983n)))).toEqual([968n, 968n]);
    expect(await blocksIn(paymentsOn(nodeAt(983n), nodeAt(1_003n)))).toEqual([968n, 968n]);
  });

  it("is told of the final block where both have it, and by one alone where the other is down or far behind", async () => {
    const asked: string[] = [];
    expect(await blocksIn(paymentsOn(nodeAt(1_003n, asked), nodeAt(1_000n)))).toEqual([1_000n, 1_000n]);
    expect(new Set(asked)).toEqual(new Set(["1000"]));
    expect(await blocksIn(paymentsOn(nodeAt(1_003n), nodeAt(undefined)))).toEqual([1_000n, undefined]);
    expect(await blocksIn(paymentsOn(nodeAt(1_003n), nodeAt(900n)))).toEqual([968n, undefined]);
  });
});
