import { encodeFunctionData, encodeFunctionResult } from "viem";
import { describe, expect, it } from "vitest";
import { type HttpRpc, type RpcAnswer, RpcError } from "../../../src/chain/jsonRpc.ts";
import { createTaskTerms } from "../../../src/chain/taskTerms.ts";
import { RetryableError } from "../../../src/errors.ts";
import { taskAbi } from "../../../src/protocol/abi.ts";
import type { TaskAddress } from "../../../src/protocol/brand.ts";
import { DeliveryMethod, TaskStatus } from "../../../src/protocol/statuses.ts";
import { address, hashOf, task } from "../../support/fakeChain.ts";

const unknown = address<TaskAddress>(0x99);
const truth = {
  getSource: "0xABcdEFABcdEFabcdEfAbCdefabcdeFABcDEFabCD",
  getStatus: TaskStatus.CANCELED,
  getExpiryTime: 5_000n,
  getDeliveryMethod: DeliveryMethod.FIRST_RESPONSE,
} as const;
const wireBlock = { number: "0x64", hash: hashOf(100), parentHash: hashOf(99), timestamp: "0x3e8" };

/** A node that has one task, and takes no calls together. */
const node = (block: object | null): HttpRpc => ({
  name: "node",
  call: () => Promise.reject(new Error("not asked here")),
  batch: async (calls) =>
    calls.map(({ method, params }): RpcAnswer => {
      if (method === "eth_getBlockByNumber") return { result: block };
      if (params.length === 3) return { error: new RpcError("too many arguments", -32602, undefined) };
      const { to, data } = params[0] as { to: string; data: string };
      if (to !== task || params[1] !== "0x64") return { result: "0x" };
      const [name, result] =
        Object.entries(truth).find(
          ([each]) => encodeFunctionData({ abi: taskAbi, functionName: each } as never) === data,
        ) ?? [];
      return { result: encodeFunctionResult({ abi: taskAbi, functionName: name, result } as never) };
    }),
});
const termsOn = (block: object | null) =>
  createTaskTerms(
    node(block),
    () => 0,
    (what, number) => new RetryableError(`${what} in ${number}`, { code: "NODE_BEHIND" }),
  );

describe("what decides whether tasks are over", () => {
  it("is read of each of them in that block, in their order; a task that the node does not have is left open", async () => {
    const { block, terms } = await termsOn(wireBlock)([unknown, task], 100n);
    expect(block).toMatchObject({ number: 100n, timestamp: 1_000 });
    expect(terms).toEqual([
      undefined,
      {
        source: truth.getSource.toLowerCase(),
        status: TaskStatus.CANCELED,
        expiryTime: 5_000,
        deliveryMethod: DeliveryMethod.FIRST_RESPONSE,
      },
    ]);
  });

  it("is not told by a node that does not have the block", async () => {
    await expect(termsOn(null)([task], 100n)).rejects.toBeInstanceOf(RetryableError);
  });
});
