import type { Abi } from "viem";
import { encodeFunctionData } from "viem/utils";
import type { Hex } from "../protocol/brand.ts";
import type { HttpRpc, RpcAnswer, RpcCall } from "./jsonRpc.ts";
import { resultOf } from "./jsonRpc.ts";
import { type DecodeResult, resultDecoder } from "./resultDecoder.ts";
import { revertReason } from "./revertReason.ts";

/** One `eth_call` with the way to read its answer. */
export type Read<T> = { readonly call: RpcCall; readonly decode: (answer: RpcAnswer) => T };

/**
 * A view call at a block.
 * Its `decode` answers `undefined` where there is no such contract or the call reverts; addresses in any case.
 */
export function read<T>(
  abi: Abi,
  to: Hex,
  functionName: string,
  args: readonly unknown[],
  block: Hex,
): Read<T | undefined> {
  const data = args.some((arg) => typeof arg !== "bigint")
    ? encoded(abi, functionName, args)
    : keptCall(abi, functionName, args);
  return {
    call: { method: "eth_call", params: [{ to, data }, block] },
    decode: (answer) => {
      if ("error" in answer && revertReason(answer.error) !== undefined) return undefined;
      const result = resultOf(answer) as Hex;
      if (result === "0x") return undefined;
      try {
        return decoderOf(abi, functionName)(result) as T;
      } catch {
        return undefined;
      }
    },
  };
}

const encoded = (abi: Abi, functionName: string, args: readonly unknown[]): Hex =>
  encodeFunctionData({ abi, functionName, args } as Parameters<typeof encodeFunctionData>[0]);

const decoders = new Map<Abi, Map<string, DecodeResult>>();

/** One for each function: making it costs more than using it. */
function decoderOf(abi: Abi, functionName: string): DecodeResult {
  const ofAbi = decoders.get(abi) ?? new Map<string, DecodeResult>();
  decoders.set(abi, ofAbi);
  const decoder = ofAbi.get(functionName) ?? resultDecoder(abi, functionName);
  ofAbi.set(functionName, decoder);
  return decoder;
}

const keptCalls = new Map<Abi, Map<string, Hex>>();
/** Of one interface: pages of long lists would fill it for ever. */
const mostKept = 500;

/** A call that names no address is the same bytes each time, and there are many thousands of them in a sweep. */
function keptCall(abi: Abi, functionName: string, args: readonly unknown[]): Hex {
  const ofAbi = keptCalls.get(abi) ?? new Map<string, Hex>();
  keptCalls.set(abi, ofAbi);
  const key = args.length === 0 ? functionName : `${functionName} ${args}`;
  const data = ofAbi.get(key) ?? encoded(abi, functionName, args);
  if (ofAbi.size < mostKept) ofAbi.set(key, data);
  return data;
}

/** Sends reads in one batch and decodes each. @throws RetryableError, or RpcError for a refusal that is no revert. */
export async function readAll<T extends readonly Read<unknown>[]>(
  rpc: HttpRpc,
  reads: T,
): Promise<{ [K in keyof T]: T[K] extends Read<infer R> ? R : never }> {
  const answers = await rpc.batch(reads.map(({ call }) => call));
  return reads.map(({ decode }, index) => decode(answers[index] as RpcAnswer)) as never;
}

/** Sends one read. @throws as `readAll`. */
export async function readOne<T>(rpc: HttpRpc, { call, decode }: Read<T>): Promise<T> {
  const [answer] = await rpc.batch([call]);
  return decode(answer as RpcAnswer);
}
