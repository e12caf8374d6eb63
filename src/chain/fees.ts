import type { Hex } from "../protocol/brand.ts";
import { amountIn } from "./amountIn.ts";
import type { Fees } from "./chainPort.ts";
import type { HttpRpc, RpcAnswer } from "./jsonRpc.ts";
import { RpcError, resultOf } from "./jsonRpc.ts";
import { blockCall, toQuantity, type WireBlock } from "./wire.ts";

/** Wei per gas. */
export type TipBounds = { readonly minTip?: bigint | undefined; readonly maxTip?: bigint | undefined };

type FeeHistory = { readonly gasUsedRatio?: readonly number[]; readonly reward?: readonly (readonly Hex[])[] | null };

/** A node takes no transaction that tips nothing, as a rule. */
const leastTip = 1n;
const historyBlocks = 10n;
/** Of what the transactions of a block tipped: half of them less, or nearly all. */
const percentiles = [50, 90];

/**
 * What a transaction should offer now. On an EIP-1559 chain (detected by the base fee in the head): what recent blocks
 * tipped, and room for the base fee to double; elsewhere the node's gas price.
 */
export async function feesFrom(
  rpc: HttpRpc,
  { urgent = false, ...bounds }: TipBounds & { readonly urgent?: boolean } = {},
): Promise<Fees> {
  const [block, gasPrice, tip, history] = (await rpc.batch([
    blockCall("latest"),
    { method: "eth_gasPrice", params: [] },
    { method: "eth_maxPriorityFeePerGas", params: [] },
    { method: "eth_feeHistory", params: [toQuantity(historyBlocks), "latest", percentiles] },
  ])) as [RpcAnswer, RpcAnswer, RpcAnswer, RpcAnswer];
  const { baseFeePerGas } = resultOf(block) as WireBlock;
  if (baseFeePerGas === undefined) return { type: "legacy", gasPrice: amountIn(rpc, "gas price", resultOf(gasPrice)) };
  const baseFee = amountIn(rpc, "base fee", baseFeePerGas);
  const paid = recentTip(history, urgent);
  const maxPriorityFeePerGas = within(bounds, paid ?? suggestedTip(rpc, { tip, gasPrice, baseFee }));
  return { type: "eip1559", maxPriorityFeePerGas, maxFeePerGas: baseFee * 2n + maxPriorityFeePerGas };
}

function within({ minTip = leastTip, maxTip }: TipBounds, tip: bigint): bigint {
  const capped = maxTip !== undefined && tip > maxTip ? maxTip : tip;
  const least = minTip > leastTip ? minTip : leastTip;
  return capped > least ? capped : least;
}

/**
 * The median over recent blocks of what their transactions tipped; `undefined` where the node does not tell, or where the
 * blocks were empty: nothing can be learned from them.
 */
function recentTip(answer: RpcAnswer, urgent: boolean): bigint | undefined {
  if ("error" in answer) {
    if (answer.error instanceof RpcError) return undefined;
    throw answer.error;
  }
  const { reward, gasUsedRatio } = answer.result as FeeHistory;
  try {
    const tips = (reward ?? [])
      .filter((_, index) => (gasUsedRatio?.[index] ?? 1) > 0)
      .map((block) => BigInt(block[urgent ? 1 : 0] ?? "0x0"))
      .filter((tip) => tip > 0n)
      .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return tips[tips.length >> 1];
  } catch {
    return undefined;
  }
}

/** Nodes without `eth_maxPriorityFeePerGas` suggest a tip by what their gas price holds above the base fee. */
function suggestedTip(
  rpc: HttpRpc,
  { tip, gasPrice, baseFee }: { readonly tip: RpcAnswer; readonly gasPrice: RpcAnswer; readonly baseFee: bigint },
): bigint {
  if (!("error" in tip)) return amountIn(rpc, "tip", tip.result);
  if (!(tip.error instanceof RpcError)) throw tip.error;
  return amountIn(rpc, "gas price", resultOf(gasPrice)) - baseFee;
}
