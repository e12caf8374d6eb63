import { parseTransaction } from "viem";
import type { Fees } from "../chain/chainPort.ts";
import type { Attempt, Confirmation } from "../journal/journal.ts";
import type { Hex } from "../protocol/brand.ts";
import { type AdmitDeps, signAttempt } from "./admit.ts";
import { replacementFees } from "./fees.ts";

/** Gas of a transfer of nothing to oneself. */
const transferGas = 21_000n;

/**
 * Signs and journals the newest attempt anew, in the same nonce, with higher fees.
 * Answers `undefined` where that would pass the ceiling: the old bytes stay the newest.
 */
export async function replace(deps: AdmitDeps, confirmation: Confirmation): Promise<Confirmation | undefined> {
  const newest = confirmation.attempts.at(-1);
  return newest && inItsNonce(deps, confirmation, { kind: newest.kind, ...read(newest).call });
}

/**
 * Uses a confirmation's nonce up without paying: a transfer of nothing to oneself, in the same nonce. Only one of the two
 * can be mined, so what was signed before can pay no more once this one is final.
 * Answers `undefined` where its fees would pass the ceiling.
 */
export async function cancel(deps: AdmitDeps, confirmation: Confirmation): Promise<Confirmation | undefined> {
  return inItsNonce(deps, confirmation, { kind: "cancel", to: deps.signer.address, data: "0x", gas: transferGas });
}

async function inItsNonce(
  deps: AdmitDeps,
  confirmation: Confirmation,
  call: Parameters<typeof signAttempt>[2],
): Promise<Confirmation | undefined> {
  const newest = confirmation.attempts.at(-1);
  if (newest === undefined) return undefined;
  const fees = replacementFees(read(newest).fees, await deps.chain.fees(), deps.maxFeePerGas);
  return fees && signAttempt(deps, confirmation, call, { nonce: newest.nonce, fees });
}

/** What an attempt calls and offers, read from its own bytes. */
function read({ raw }: Attempt): { readonly fees: Fees; readonly call: { to: Hex; data: Hex; gas: bigint } } {
  const { to, data = "0x", gas = 0n, ...offer } = parseTransaction(raw);
  if (!to) throw new TypeError("an attempt without a receiver");
  const { gasPrice, maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = offer;
  const fees: Fees =
    gasPrice === undefined ? { type: "eip1559", maxFeePerGas, maxPriorityFeePerGas } : { type: "legacy", gasPrice };
  return { fees, call: { to, data, gas } };
}
