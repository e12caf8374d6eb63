import type { Hex } from "../protocol/brand.ts";
import type { Fees } from "./chainPort.ts";
import type { HttpRpc } from "./jsonRpc.ts";
import { RpcError, resultOf } from "./jsonRpc.ts";
import type { WireBlock } from "./wire.ts";

const leastTip = 1n;

/**
 * What a transaction should offer now: on an EIP-1559 chain (detected by the base fee in the head) the node's suggested
 * tip and room for the base fee to double; elsewhere the node's gas price.
 */
export async function feesFrom(rpc: HttpRpc): Promise<Fees> {
  const [block, gasPrice, tip] = await rpc.batch([
    { method: "eth_getBlockByNumber", params: ["latest", false] },
    { method: "eth_gasPrice", params: [] },
    { method: "eth_maxPriorityFeePerGas", params: [] },
  ]);
  const { baseFeePerGas } = resultOf(block) as WireBlock;
  if (baseFeePerGas === undefined) return { type: "legacy", gasPrice: BigInt(resultOf(gasPrice) as Hex) };
  const baseFee = BigInt(baseFeePerGas);
  const suggested = suggestedTip(tip as Exclude<typeof tip, undefined>, gasPrice, baseFee);
  const maxPriorityFeePerGas = suggested > leastTip ? suggested : leastTip;
  return { type: "eip1559", maxPriorityFeePerGas, maxFeePerGas: baseFee * 2n + maxPriorityFeePerGas };
}

type Answer = Awaited<ReturnType<HttpRpc["batch"]>>[number];

/** Nodes without `eth_maxPriorityFeePerGas` suggest a tip by what their gas price holds above the base fee. */
function suggestedTip(tip: Answer, gasPrice: Answer | undefined, baseFee: bigint): bigint {
  if (!("error" in tip)) return BigInt(tip.result as Hex);
  if (!(tip.error instanceof RpcError)) throw tip.error;
  return BigInt(resultOf(gasPrice) as Hex) - baseFee;
}
