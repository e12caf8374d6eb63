import { type Log, parseEventLogs } from "viem";
import type { WireReceipt } from "../chain/wire.ts";
import { RetryableError } from "../errors.ts";
import { nexusAbi } from "../protocol/abi.ts";
import { checksummed } from "../protocol/brand.ts";
import type { ClientContext } from "./context.ts";
import type { Address } from "./types.ts";

/** The source that a transaction published. @throws Error if it published none. */
export const publishedSource = ({ logs }: { readonly logs: readonly Log[] }): Address =>
  checksummed(only(parseEventLogs({ abi: nexusAbi, eventName: "SourcePublished", logs: [...logs] })).args.source);

/** The task that a transaction published. @throws Error if it published none. */
export const publishedTask = ({ logs }: { readonly logs: readonly Log[] }): Address =>
  checksummed(only(parseEventLogs({ abi: nexusAbi, eventName: "TaskPublished", logs: [...logs] })).args.task);

function only<T>(events: readonly T[]): T {
  const [event] = events;
  if (event === undefined) throw new Error("the transaction emitted no such event");
  return event;
}

/** Logs of Nexus in the receipt of a transaction that was mined. */
export async function logsOf(
  { rpc, contracts }: ClientContext,
  hash: `0x${string}`,
): Promise<{ readonly logs: readonly Log[]; readonly blockHash: string }> {
  const receipt = await rpc.call<(WireReceipt & { readonly logs: Log[] }) | null>("eth_getTransactionReceipt", hash);
  if (receipt === null) {
    throw new RetryableError(`the node has no receipt of ${hash} any more`, {
      code: "RECEIPT_MISSING",
      remedy: "ask again: another node had it",
    });
  }
  const { blockHash } = receipt;
  return {
    blockHash,
    logs: receipt.logs.filter(({ address }) => address.toLowerCase() === contracts.nexus.toLowerCase()),
  };
}

/**
 * The task that a transaction published.
 * @throws RetryableError `RECEIPT_MISSING`; Error if it published none.
 * @example const task = await client.getPublishedTask(hash);
 */
export const getPublishedTask = async (context: ClientContext, hash: `0x${string}`): Promise<Address> =>
  publishedTask(await logsOf(context, hash));

/**
 * The source that a transaction published.
 * @throws RetryableError `RECEIPT_MISSING`; Error if it published none.
 * @example const source = await client.getPublishedSource(hash);
 */
export const getPublishedSource = async (context: ClientContext, hash: `0x${string}`): Promise<Address> =>
  publishedSource(await logsOf(context, hash));
