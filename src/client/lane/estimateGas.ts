import { anyGasEstimate, mostGas } from "../../chain/gasEstimate.ts";
import { type HttpRpc, RpcError } from "../../chain/jsonRpc.ts";
import { revertReason } from "../../chain/revertReason.ts";
import type { Hex } from "../../protocol/brand.ts";
import { RefusedError } from "../errors.ts";
import { refusal } from "../refusal.ts";
import type { Transaction } from "./transaction.ts";

/** Others write between the estimate and the block: arrays grow, a first answer is no longer the first. */
function withMargin(gas: bigint): bigint {
  const ample = (gas * 3n) / 2n + 20_000n;
  return ample < mostGas ? ample : mostGas;
}

/** Gas units, with room to spare. @throws RefusedError if the call would revert, with the reason; EndpointError if no transaction takes that. */
export async function estimateGas(
  rpc: HttpRpc,
  from: Hex,
  { to, data, what }: Pick<Transaction, "to" | "data" | "what">,
): Promise<bigint> {
  try {
    return withMargin(anyGasEstimate(rpc.name, await rpc.call("eth_estimateGas", { from, to, data })));
  } catch (error) {
    const reason = revertReason(error);
    if (reason !== undefined) throw refusal(what, reason, error);
    if (error instanceof RpcError && /insufficient funds|gas required exceeds allowance/i.test(error.message)) {
      throw new RefusedError(`${from} cannot pay the gas of ${what}`, {
        code: "GAS_UNFUNDED",
        remedy: "send it some OGPU for gas",
        cause: error,
      });
    }
    throw error;
  }
}
