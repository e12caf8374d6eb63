import type { Fees } from "../../chain/chainPort.ts";
import { EndpointError } from "../../chain/endpoints/endpointError.ts";
import { answerTooLong } from "../../chain/exchange.ts";
import { type HttpRpc, RpcError } from "../../chain/jsonRpc.ts";
import type { Hash, Hex } from "../../protocol/brand.ts";

/** A transaction that waits in a node. */
export type PoolTransaction = {
  readonly nonce: number;
  readonly hash: Hash;
  readonly to: Hex | undefined;
  readonly data: Hex;
  /** Wei. */
  readonly value: bigint;
  /** Gas units. */
  readonly gas: bigint;
  readonly fees: Fees;
  /** As the node shows it: its word, and nobody else's. */
  readonly wire: WireTransaction;
};

export type WireTransaction = {
  readonly nonce: Hex;
  readonly hash: Hash;
  readonly to: Hex | null;
  readonly input: Hex;
  readonly value: Hex;
  readonly gas: Hex;
  readonly gasPrice?: Hex;
  readonly maxFeePerGas?: Hex;
  readonly maxPriorityFeePerGas?: Hex;
  readonly type?: Hex;
  readonly chainId?: Hex;
  readonly accessList?: readonly { readonly address: Hex; readonly storageKeys: readonly Hex[] }[];
  readonly r?: Hex;
  readonly s?: Hex;
  readonly v?: Hex;
  readonly yParity?: Hex;
};
type ByNonce = Readonly<Record<string, WireTransaction>>;
type Content = { readonly pending?: ByNonce; readonly queued?: ByNonce };
type AllContent = { readonly [List in keyof Content]?: Readonly<Record<string, ByNonce>> };

/**
 * What waits in the node from an account, by nonce, also behind a gap.
 * @returns `undefined` where the node does not let its pool be read.
 * @throws RetryableError if the endpoint does not answer.
 */
export async function poolTransactions(rpc: HttpRpc, address: string): Promise<readonly PoolTransaction[] | undefined> {
  const content = (await contentFrom(rpc, address)) ?? (await contentOf(rpc, address));
  if (content === undefined) return undefined;
  try {
    return [...Object.values(content.pending ?? {}), ...Object.values(content.queued ?? {})]
      .map(toTransaction)
      .sort((a, b) => a.nonce - b.nonce);
  } catch {
    // A node may write anything: what is not told in full is not known.
    return undefined;
  }
}

const contentFrom = (rpc: HttpRpc, address: string) => ask<Content>(rpc, "txpool_contentFrom", address);

/** The whole pool, from nodes that cannot be asked for less. */
async function contentOf(rpc: HttpRpc, address: string): Promise<Content | undefined> {
  const all = await ask<AllContent>(rpc, "txpool_content");
  const own = (lists: Readonly<Record<string, ByNonce>> = {}) =>
    Object.entries(lists).find(([account]) => account.toLowerCase() === address.toLowerCase())?.[1] ?? {};
  return all && { pending: own(all.pending), queued: own(all.queued) };
}

async function ask<T>(rpc: HttpRpc, method: string, ...params: readonly unknown[]): Promise<T | undefined> {
  try {
    const answer = await rpc.call<T | null>(method, ...params);
    return typeof answer === "object" && answer !== null ? answer : undefined;
  } catch (error) {
    if (error instanceof RpcError || isTooLong(error)) return undefined;
    throw error;
  }
}

/** Nobody who asks again gets less of it. */
const isTooLong = (error: unknown): boolean => error instanceof EndpointError && error.code === answerTooLong.code;

function toTransaction(wire: WireTransaction): PoolTransaction {
  const { maxFeePerGas, maxPriorityFeePerGas, gasPrice } = wire;
  const fees: Fees =
    maxFeePerGas === undefined
      ? { type: "legacy", gasPrice: BigInt(gasPrice ?? "0x0") }
      : {
          type: "eip1559",
          maxFeePerGas: BigInt(maxFeePerGas),
          maxPriorityFeePerGas: BigInt(maxPriorityFeePerGas ?? "0x0"),
        };
  return {
    nonce: Number(BigInt(wire.nonce)),
    hash: wire.hash,
    to: wire.to ?? undefined,
    data: wire.input.toLowerCase() as Hex,
    value: BigInt(wire.value),
    gas: BigInt(wire.gas),
    fees,
    wire,
  };
}
