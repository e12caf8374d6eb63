import type { AccountAddress, Hash, Hex } from "../protocol/brand.ts";
import { type HttpRpc, RpcError } from "./jsonRpc.ts";
import { decodeRevert, noReason, revertReason } from "./revertReason.ts";
import { toQuantity } from "./wire.ts";

/** A transaction that was mined and reverted. */
export type RevertedCall = {
  readonly hash: Hash;
  /** Where it was mined. */
  readonly blockNumber: bigint;
  readonly from: AccountAddress;
  readonly to: Hex;
  readonly data: Hex;
  readonly gas: bigint;
};

/** What it reverted with. @param isCertain By the node's own trace of it; else by the same call one block before. */
export type MinedRevert = { readonly reason: string; readonly isCertain: boolean };

/** As `callTracer` answers, and, where a node does not know it, the plain trace. */
type Trace = {
  readonly error?: unknown;
  readonly output?: unknown;
  readonly failed?: unknown;
  readonly returnValue?: unknown;
};

const options = {
  tracer: "callTracer",
  tracerConfig: { onlyTopCall: true },
  disableStorage: true,
  disableStack: true,
  disableMemory: true,
} as const;

const longest = 100;

/**
 * Why a mined transaction reverted: by a trace where the node has them, else by the same call on the block before, to which
 * the transactions before it in its own block are missing. `undefined` where neither tells.
 *
 * @throws RetryableError if the endpoint does not answer.
 */
export async function minedRevert(rpc: HttpRpc, reverted: RevertedCall): Promise<MinedRevert | undefined> {
  const traced = await refusalAs(undefined, () =>
    rpc.call<Trace | null>("debug_traceTransaction", reverted.hash, options),
  );
  const certain = traced ? reasonOf(traced) : undefined;
  if (certain !== undefined) return { reason: certain, isCertain: true };
  const { from, to, data, gas, blockNumber } = reverted;
  const call = { from, to, data, gas: toQuantity(gas) };
  try {
    await rpc.call("eth_call", call, toQuantity(blockNumber - 1n));
  } catch (error) {
    const reason = revertReason(error);
    if (reason !== undefined) return { reason, isCertain: false };
    if (!(error instanceof RpcError)) throw error;
  }
  return undefined;
}

async function refusalAs<T, U>(instead: U, ask: () => Promise<T>): Promise<T | U> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RpcError) return instead;
    throw error;
  }
}

/** `undefined`: by this node it did not revert, or the answer is no trace. */
function reasonOf({ error, output, failed, returnValue }: Trace): string | undefined {
  if (error === undefined && failed !== true) return undefined;
  const bytes = bytesOf(output) ?? bytesOf(returnValue);
  if (bytes !== undefined && bytes.length >= 10) return decodeRevert(bytes);
  if (typeof error !== "string" || /execution reverted/i.test(error)) return noReason;
  return error.slice(0, longest);
}

/** Some nodes leave the `0x` out. */
function bytesOf(value: unknown): Hex | undefined {
  if (typeof value !== "string" || !/^(?:0x)?(?:[0-9a-f]{2})*$/i.test(value)) return undefined;
  return value.startsWith("0x") ? (value as Hex) : `0x${value}`;
}
