import { parseTransaction } from "viem";
import type { Fees } from "../chain/chainPort.ts";
import type { Attempt, Confirmation } from "../journal/journal.ts";
import type { AdmitDeps } from "./admit.ts";
import { confirmData } from "./admit.ts";
import { replacementFees } from "./fees.ts";

/**
 * Signs and journals a replacement in the same nonce with higher fees.
 * Answers `undefined` where that would pass the ceiling: the old bytes stay the newest.
 */
export async function replace(deps: AdmitDeps, confirmation: Confirmation): Promise<Confirmation | undefined> {
  const newest = confirmation.attempts.at(-1);
  if (newest === undefined) return undefined;
  const { fees: before, gas } = offered(newest);
  const fees = replacementFees(before, await deps.chain.fees(), deps.maxFeePerGas);
  if (fees === undefined) return undefined;
  const { nonce } = newest;
  const { raw, hash } = await deps.signer.sign({
    chainId: deps.chainId,
    to: deps.controller,
    data: confirmData(confirmation.response),
    nonce,
    gas,
    fees,
  });
  return deps.journal.recordAttempt(confirmation.id, deps.signer.address, { hash, raw, nonce, signedAt: deps.now() });
}

/** What an attempt offers, read from its own bytes. */
function offered({ raw }: Attempt): { readonly fees: Fees; readonly gas: bigint } {
  const { gas = 0n, gasPrice, maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = parseTransaction(raw);
  const fees: Fees =
    gasPrice === undefined ? { type: "eip1559", maxFeePerGas, maxPriorityFeePerGas } : { type: "legacy", gasPrice };
  return { fees, gas };
}
