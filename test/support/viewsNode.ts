import { encodeFunctionData, encodeFunctionResult } from "viem";
import { type HttpRpc, type RpcAnswer, RpcError } from "../../src/chain/jsonRpc.ts";
import { RetryableError } from "../../src/errors.ts";
import { hashOf } from "./fakeChain.ts";

export type View = readonly [to: string, abi: unknown, functionName: string, result: unknown];

export const wireBlock = { number: "0x64", hash: hashOf(100), parentHash: hashOf(99), timestamp: "0x3e8" };

/** A node that answers these views in block 100, and takes no calls together. @param block What it has at that number. */
export const viewsNode = (views: readonly View[], block: object | null): HttpRpc => ({
  name: "node",
  call: () => Promise.reject(new Error("not asked here")),
  batch: async (calls) =>
    calls.map(({ method, params }): RpcAnswer => {
      if (method === "eth_getBlockByNumber") return { result: block };
      if (params.length === 3) return { error: new RpcError("too many arguments", -32602, undefined) };
      const call = params[0] as { to: string; data: string };
      const found = views.find(
        ([to, abi, functionName]) => to === call.to && encodeFunctionData({ abi, functionName } as never) === call.data,
      );
      if (found === undefined || params[1] !== "0x64") return { result: "0x" };
      const [, abi, functionName, result] = found;
      return { result: encodeFunctionResult({ abi, functionName, result } as never) };
    }),
});

export const missing = (what: string, block: bigint) =>
  new RetryableError(`${what} in ${block}`, { code: "NODE_BEHIND" });
