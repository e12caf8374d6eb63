import { type Abi, decodeFunctionResult, encodeFunctionData } from "viem";
import type { Hex } from "../protocol/brand.ts";
import type { HttpRpc, RpcAnswer, RpcCall } from "./jsonRpc.ts";
import { resultOf } from "./jsonRpc.ts";
import { revertReason } from "./revertReason.ts";

/** One `eth_call` with the way to read its answer. */
export type Read<T> = { readonly call: RpcCall; readonly decode: (answer: RpcAnswer) => T };

/**
 * A view call at a block.
 * Its `decode` answers `undefined` where there is no such contract or the call reverts.
 */
export function read<T>(
  abi: Abi,
  to: Hex,
  functionName: string,
  args: readonly unknown[],
  block: Hex,
): Read<T | undefined> {
  const data = encodeFunctionData({ abi, functionName, args } as Parameters<typeof encodeFunctionData>[0]);
  return {
    call: { method: "eth_call", params: [{ to, data }, block] },
    decode: (answer) => {
      if ("error" in answer && revertReason(answer.error) !== undefined) return undefined;
      const result = resultOf(answer) as Hex;
      if (result === "0x") return undefined;
      try {
        return decodeFunctionResult({ abi, functionName, data: result } as Parameters<
          typeof decodeFunctionResult
        >[0]) as T;
      } catch {
        return undefined;
      }
    },
  };
}

/** Sends reads in one batch and decodes each. @throws RetryableError, or RpcError for a refusal that is no revert. */
export async function readAll<T extends readonly Read<unknown>[]>(
  rpc: HttpRpc,
  reads: T,
): Promise<{ [K in keyof T]: T[K] extends Read<infer R> ? R : never }> {
  const answers = await rpc.batch(reads.map(({ call }) => call));
  return reads.map(({ decode }, index) => decode(answers[index] as RpcAnswer)) as never;
}
