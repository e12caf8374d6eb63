import { encodeFunctionData, encodeFunctionResult } from "viem";
import { describe, expect, it } from "vitest";
import { type HttpRpc, type RpcAnswer, RpcError } from "../../../src/chain/jsonRpc.ts";
import { createPaymentStandings } from "../../../src/chain/paymentStandings.ts";
import { RetryableError } from "../../../src/errors.ts";
import { responseAbi, taskAbi } from "../../../src/protocol/abi.ts";
import type { ResponseAddress, TaskAddress } from "../../../src/protocol/brand.ts";
import { ResponseStatus, TaskStatus } from "../../../src/protocol/statuses.ts";
import { address, aResponse, hashOf, response, task } from "../../support/fakeChain.ts";

const unknown = { task: address<TaskAddress>(0x98), response: address<ResponseAddress>(0x99) };
const { provider, data, payment } = aResponse();
const answers: readonly (readonly [to: string, abi: unknown, functionName: string, result: unknown])[] = [
  [task, taskAbi, "getStatus", TaskStatus.CANCELED],
  [task, taskAbi, "getExpiryTime", 5_000n],
  [response, responseAbi, "getResponseParams", { task, provider, data, payment }],
  [response, responseAbi, "getStatus", ResponseStatus.SUBMITTED],
];
const wireBlock = { number: "0x64", hash: hashOf(100), parentHash: hashOf(99), timestamp: "0x3e8" };

/** A node that has one task with one response, and takes no calls together. */
const node = (block: object | null): HttpRpc => ({
  name: "node",
  call: () => Promise.reject(new Error("not asked here")),
  batch: async (calls) =>
    calls.map(({ method, params }): RpcAnswer => {
      if (method === "eth_getBlockByNumber") return { result: block };
      if (params.length === 3) return { error: new RpcError("too many arguments", -32602, undefined) };
      const call = params[0] as { to: string; data: string };
      const found = answers.find(
        ([to, abi, functionName]) => to === call.to && encodeFunctionData({ abi, functionName } as never) === call.data,
      );
      if (found === undefined || params[1] !== "0x64") return { result: "0x" };
      const [, abi, functionName, result] = found;
      return { result: encodeFunctionResult({ abi, functionName, result } as never) };
    }),
});
const standingsOn = (block: object | null) =>
  createPaymentStandings(
    node(block),
    () => 0,
    (what, number) => new RetryableError(`${what} in ${number}`, { code: "NODE_BEHIND" }),
  );

describe("what decides whether confirmations can be paid", () => {
  it("is read of each of them in that block, in their order; what the block does not have is missing", async () => {
    const asked = [unknown, { task, response }, { ...unknown, task }];
    const { block, standings } = await standingsOn(wireBlock)(asked, 100n);
    expect(block).toMatchObject({ number: 100n, timestamp: 1_000 });
    const standing = { task, provider, data, payment, status: ResponseStatus.SUBMITTED };
    expect(standings).toEqual([
      { taskStatus: undefined, expiresAt: undefined, response: undefined },
      { taskStatus: TaskStatus.CANCELED, expiresAt: 5_000, response: standing },
      { taskStatus: TaskStatus.CANCELED, expiresAt: 5_000, response: undefined },
    ]);
  });

  it("is not told by a node that does not have the block", async () => {
    await expect(standingsOn(null)([{ task, response }], 100n)).rejects.toBeInstanceOf(RetryableError);
  });
});
