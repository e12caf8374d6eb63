import { parseTransaction } from "viem/utils";
import type { Fees } from "../chain/chainPort.ts";
import type { Attempt, Confirmation } from "../journal/journal.ts";
import type { Hex, Nonce } from "../protocol/brand.ts";
import { wei } from "../protocol/brand.ts";
import { type AdmitDeps, withMargin } from "./admit.ts";
import { feesInPlaceOf, replacementFees } from "./fees.ts";
import { isGivenUp } from "./givenUp.ts";
import { type Call, maxCostOf, signAttempts } from "./signAttempts.ts";

/** Gas of a transfer of nothing to oneself. */
export const transferGas = 21_000n;
/** Chains that want more want less than this. */
const mostTransferGas = 60_000n;

export type Replacement =
  | { readonly type: "signed"; readonly confirmation: Confirmation }
  /** Its fees would pass a ceiling: the old bytes stay the newest. */
  | { readonly type: "ceiling"; readonly cap: string }
  | { readonly type: "nothing" };

/**
 * Signs and journals the newest attempt anew, in the same nonce, with higher fees.
 * @param urgent The task's time is nearly over.
 */
export async function replace(deps: AdmitDeps, confirmation: Confirmation, urgent = false): Promise<Replacement> {
  const newest = confirmation.attempts.at(-1);
  if (newest === undefined) return { type: "nothing" };
  const { fees, call } = readAttempt(newest);
  const better = replacementFees(fees, await deps.chain.fees(urgent), deps.maxFeePerGas);
  if (better === undefined) return { type: "ceiling", cap: "sink.maxFeePerGas" };
  const dearer: Call = { ...call, kind: newest.kind, nonce: newest.nonce, fees: better };
  const more = maxCostOf(dearer) - maxCostOf({ ...call, fees });
  if (!(await deps.guard.hasGasFor(wei(more)))) return { type: "ceiling", cap: "guardrails.gasPerDay" };
  return sign(deps, confirmation, dearer);
}

/**
 * Signs the same call once more in the same nonce, with other gas and the fees of now: what nodes refuse for good may be
 * taken then. `nothing`: it would be the same bytes.
 * @param gas What the call takes by the node's own estimate.
 */
export async function signAfresh(deps: AdmitDeps, confirmation: Confirmation, gas: bigint): Promise<Replacement> {
  const newest = confirmation.attempts.at(-1);
  if (newest === undefined) return { type: "nothing" };
  const { fees: before, call } = readAttempt(newest);
  const fees = await inPlaceOf(deps, before);
  if (fees === undefined) return { type: "ceiling", cap: "sink.maxFeePerGas" };
  const fresh: Call = { ...call, kind: newest.kind, nonce: newest.nonce, fees, gas: withMargin(gas) };
  if (fees === before && fresh.gas === call.gas) return { type: "nothing" };
  const more = maxCostOf(fresh) - maxCostOf({ ...call, fees: before });
  if (more > 0n && !(await deps.guard.hasGasFor(wei(more)))) return { type: "ceiling", cap: "guardrails.gasPerDay" };
  return sign(deps, confirmation, fresh);
}

/**
 * Uses a confirmation's nonce up without paying: a transfer of nothing to oneself, in the same nonce. Only one of the two
 * can be mined, so what was signed before can pay no more once this one is final. At the ceiling it offers no more than what
 * was signed before: a pool that holds that one keeps it, and a pool that has dropped it has room for this one.
 * @param why It is given up, for this reason.
 */
export async function cancel(deps: AdmitDeps, confirmation: Confirmation, why?: string): Promise<Replacement> {
  const newest = confirmation.attempts.at(-1);
  if (newest === undefined) return { type: "nothing" };
  const fees = await inPlaceOf(deps, readAttempt(newest).fees);
  if (fees === undefined) return { type: "ceiling", cap: "sink.maxFeePerGas" };
  const nothing = transferOfNothing(deps.signer.address, newest.nonce, fees);
  return sign(deps, confirmation, { kind: "cancel", ...nothing }, why);
}

/**
 * Signs a transfer of nothing anew in the same nonce, at the same fees, with more gas: for one that nodes refuse for good where no
 * dearer one fits under the ceiling. `nothing`: it has a multiple of what such a transfer takes already.
 */
export async function cancelWithMoreGas(deps: AdmitDeps, confirmation: Confirmation): Promise<Replacement> {
  const newest = confirmation.attempts.at(-1);
  if (newest?.kind !== "cancel") return { type: "nothing" };
  const { fees, call } = readAttempt(newest);
  if (call.gas > mostTransferGas) return { type: "nothing" };
  const roomier: Call = { ...call, kind: "cancel", nonce: newest.nonce, fees, gas: withMargin(call.gas) };
  const more = maxCostOf(roomier) - maxCostOf({ ...call, fees });
  if (!(await deps.guard.hasGasFor(wei(more)))) return { type: "ceiling", cap: "guardrails.gasPerDay" };
  return sign(deps, confirmation, roomier);
}

const inPlaceOf = async ({ chain, maxFeePerGas }: AdmitDeps, before: Fees): Promise<Fees | undefined> =>
  feesInPlaceOf(before, await chain.fees(), maxFeePerGas);

export const transferOfNothing = (to: Hex, nonce: Nonce, fees: Fees) =>
  ({ to, data: "0x", gas: transferGas, nonce, fees }) as const;

/** @param why It is given up; what replaces its last bytes goes on saying so. */
async function sign(
  deps: AdmitDeps,
  confirmation: Confirmation,
  call: Call,
  why = isGivenUp(confirmation) ? confirmation.reason : undefined,
): Promise<Replacement> {
  const { signed, error } = await signAttempts(deps, [{ confirmation, call }]);
  const [replaced] = signed;
  if (replaced === undefined) throw error;
  await deps.guard.chargeGas(deps.signer.address, call.nonce, maxCostOf(call));
  if (why === undefined) return { type: "signed", confirmation: replaced };
  const { id, state } = replaced;
  const told = await deps.journal.changeConfirmation(id, { state, reason: why }, deps.fences?.());
  return { type: "signed", confirmation: told };
}

/** What signed bytes call and offer. */
export function readAttempt({ raw }: Pick<Attempt, "raw">): {
  readonly fees: Fees;
  readonly call: { readonly to: Hex; readonly data: Hex; readonly gas: bigint };
} {
  const { to, data = "0x", gas = 0n, ...offer } = parseTransaction(raw);
  if (!to) throw new TypeError("an attempt without a receiver");
  const { gasPrice, maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = offer;
  const fees: Fees =
    gasPrice === undefined ? { type: "eip1559", maxFeePerGas, maxPriorityFeePerGas } : { type: "legacy", gasPrice };
  return { fees, call: { to, data, gas } };
}
