import type { Fees } from "../../chain/chainPort.ts";
import type { HttpRpc } from "../../chain/jsonRpc.ts";
import { formatOgpu } from "../../protocol/amounts.ts";
import { checksummed } from "../../protocol/brand.ts";
import { feeCap } from "../../sink/fees.ts";
import { maxCostOf } from "../../sink/signAttempts.ts";
import { RefusedError } from "../errors.ts";
import { estimateGas } from "./estimateGas.ts";
import type { LookDeps } from "./look.ts";
import type { Transaction } from "./transaction.ts";

export type PrepareDeps = Pick<LookDeps, "chain" | "signer" | "maxFeePerGas"> & { readonly rpc: HttpRpc };

/**
 * What a transaction takes, and whether it can be had: all of it before anything is signed.
 * @throws RefusedError `FEES_TOO_HIGH`, `GAS_UNFUNDED`, and what the transaction's own check throws.
 */
export async function prepare(
  deps: PrepareDeps,
  transaction: Transaction,
): Promise<{ readonly gas: bigint; readonly fees: Fees }> {
  const { chain, signer, maxFeePerGas } = deps;
  await transaction.check();
  await transaction.before?.();
  const [gas, fees, balance] = await Promise.all([
    estimateGas(deps.rpc, signer.address, transaction),
    chain.fees(),
    chain.balance(signer.address),
  ]);
  if (feeCap(fees) > maxFeePerGas) {
    throw new RefusedError(`gas costs ${feeCap(fees)} wei, more than maxFeePerGas (${maxFeePerGas} wei)`, {
      code: "FEES_TOO_HIGH",
      remedy: "wait until gas is cheaper, or raise maxFeePerGas",
    });
  }
  const most = maxCostOf({ gas, fees });
  if (balance < most) {
    const [has, needs] = [formatOgpu(balance), formatOgpu(most)];
    throw new RefusedError(
      `${checksummed(signer.address)} has ${has}, and ${transaction.what} may take ${needs} of gas`,
      {
        code: "GAS_UNFUNDED",
        remedy: `send it ${formatOgpu(most - balance)} or more`,
      },
    );
  }
  return { gas, fees };
}
