import { parseTransaction } from "viem/utils";
import type { Fees } from "../chain/chainPort.ts";
import type { Attempt, Confirmation } from "../journal/journal.ts";
import type { Hex, Nonce } from "../protocol/brand.ts";
import type { Reporter } from "../report.ts";
import { type AdmitDeps, withMargin } from "./admit.ts";
import { feesInPlaceOf, raisedFees } from "./fees.ts";
import { isGivenUp } from "./givenUp.ts";
import { type Call, maxCostOf, signAttempts } from "./signAttempts.ts";

type ReplaceDeps = AdmitDeps & { readonly report: Reporter };

/** Gas of a transfer of nothing to oneself. */
export const transferGas = 21_000n;
/** Chains that want more want less than this. */
const mostTransferGas = 60_000n;

export type Replacement =
  | { readonly type: "signed"; readonly confirmation: Confirmation }
  /** Its fees would pass a ceiling: the old bytes stay the newest. */
  | { readonly type: "ceiling"; readonly cap: string }
  | { readonly type: "nothing" };

const nothing: Replacement = { type: "nothing" };
const tooDear: Replacement = { type: "ceiling", cap: "sink.maxFeePerGas" };

/**
 * Signs and journals the newest attempt anew, in the same nonce, with higher fees.
 * @param urgent The task's time is nearly over.
 */
export async function replace(deps: ReplaceDeps, confirmation: Confirmation, urgent = false): Promise<Replacement> {
  const before = newestCall(confirmation);
  if (before === undefined) return nothing;
  const fees = raisedFees(before.fees, await deps.chain.fees(urgent), deps.maxFeePerGas);
  return fees === undefined ? tooDear : signInPlace(deps, confirmation, before, { ...before, fees });
}

/**
 * Signs the same call once more in the same nonce, with other gas and the fees of now: what nodes refuse for good may be
 * taken then. `nothing`: it would be the same bytes.
 * @param gas What the call takes by the node's own estimate.
 */
export async function signAfresh(deps: ReplaceDeps, confirmation: Confirmation, gas: bigint): Promise<Replacement> {
  const before = newestCall(confirmation);
  if (before === undefined) return nothing;
  const fees = await inPlaceOf(deps, before.fees);
  if (fees === undefined) return tooDear;
  const fresh: Call = { ...before, fees, gas: withMargin(gas) };
  const isSame = fees === before.fees && fresh.gas === before.gas;
  return isSame ? nothing : signInPlace(deps, confirmation, before, fresh);
}

/**
 * Uses a confirmation's nonce up without paying: a transfer of nothing to oneself, in the same nonce. Only one of the two
 * can be mined, so what was signed before can pay no more once this one is final. At the ceiling it offers no more than what
 * was signed before: a pool that holds that one keeps it, and a pool that has dropped it has room for this one.
 *
 * No ceiling on gas holds it, since it may be what prevents a wrong payment; it counts, so that others are held.
 * @param why It is given up, for this reason.
 */
export async function cancel(deps: ReplaceDeps, confirmation: Confirmation, why?: string): Promise<Replacement> {
  const before = newestCall(confirmation);
  if (before === undefined) return nothing;
  const fees = await inPlaceOf(deps, before.fees);
  if (fees === undefined) return tooDear;
  const transfer = transferOfNothing(deps.signer.address, before.nonce, fees);
  return sign(deps, confirmation, { kind: "cancel", ...transfer }, why);
}

/**
 * Signs a transfer of nothing anew in the same nonce, at the same fees, with more gas: for one that nodes refuse for good where no
 * dearer one fits under the ceiling. `nothing`: it has a multiple of what such a transfer takes already.
 */
export async function cancelWithMoreGas(deps: ReplaceDeps, confirmation: Confirmation): Promise<Replacement> {
  const before = newestCall(confirmation);
  if (before?.kind !== "cancel" || before.gas > mostTransferGas) return nothing;
  return signInPlace(deps, confirmation, before, { ...before, gas: withMargin(before.gas) });
}

const inPlaceOf = async ({ chain, maxFeePerGas }: ReplaceDeps, before: Fees): Promise<Fees | undefined> =>
  feesInPlaceOf(before, await chain.fees(), maxFeePerGas);

export const transferOfNothing = (to: Hex, nonce: Nonce, fees: Fees) =>
  ({ to, data: "0x", gas: transferGas, nonce, fees }) as const;

/** What its newest bytes call and offer. */
function newestCall({ attempts }: Confirmation): Call | undefined {
  const newest = attempts.at(-1);
  if (newest === undefined) return undefined;
  const { fees, call } = readAttempt(newest);
  return { ...call, kind: newest.kind, nonce: newest.nonce, fees };
}

/** Signs a call in the place of another one, where the ceiling of gas has room for what it may cost more. */
async function signInPlace(
  deps: ReplaceDeps,
  confirmation: Confirmation,
  before: Call,
  call: Call,
): Promise<Replacement> {
  const cost = maxCostOf(call);
  const isDearer = cost > maxCostOf(before);
  if (isDearer && !(await deps.guard.reserveGas(deps.signer.address, call.nonce, cost)))
    return { type: "ceiling", cap: "guardrails.gasPerDay" };
  return sign(deps, confirmation, call);
}

/** @param why It is given up; what replaces its last bytes goes on saying so, durable with them: a restart must know it. */
async function sign(
  deps: ReplaceDeps,
  confirmation: Confirmation,
  call: Call,
  why = isGivenUp(confirmation) ? confirmation.reason : undefined,
): Promise<Replacement> {
  // Counted first: while a slow signer signs it, nobody else is given its room.
  await deps.guard.chargeGas(deps.signer.address, call.nonce, maxCostOf(call));
  const { signed, error } = await signAttempts(deps, [{ confirmation, call, reason: why }]);
  const [replaced] = signed;
  if (replaced === undefined) throw error;
  deps.report({ type: "confirmation", confirmation: replaced });
  return { type: "signed", confirmation: replaced };
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
