import type { PolicyCaps, Verdict, WaitsFor } from "./policy/policyPort.ts";
import { formatOgpu } from "./protocol/amounts.ts";
import type { Wei } from "./protocol/brand.ts";
import type { Response } from "./protocol/entities.ts";
import { type Ceilings, capsOf, lowest, noCeilings, notInForce } from "./sink/guardrails/caps.ts";

export type PriceLimits = {
  /** A price above it is held for a person, whatever the policy says. */
  readonly maxPayment: Wei;
  /** So is a price above one of these, and above the policy's own caps: no hour and no day has room for it. @default none */
  readonly ceilings?: Ceilings | undefined;
};

/**
 * What costs more than a ceiling would wait for room that never comes, and hold its task meanwhile: a person decides.
 * @param ofPolicy The policy's own ceilings.
 * @param about What it is held for then, where that is known.
 */
export function withCeiling(
  verdict: Verdict,
  { payment, provider }: Pick<Response, "payment" | "provider">,
  { maxPayment, ceilings = noCeilings }: PriceLimits,
  ofPolicy: PolicyCaps,
  about: WaitsFor | undefined,
): Verdict {
  if (verdict.kind !== "confirm") return verdict;
  const caps = capsOf({ policy: verdict.policy, provider }, ceilings, ofPolicy);
  // A policy keeps it where it decides by itself, and not where a person does.
  const perTask =
    ofPolicy.perTask === undefined ? [] : [{ name: `caps.perTask of ${verdict.policy}`, limit: ofPolicy.perTask }];
  const { name, limit } = lowest({ name: "sink.maxPayment", limit: maxPayment }, ...perTask, ...caps);
  if (payment <= limit) return verdict;
  const reason = `${formatOgpu(payment)} is above ${name} (${formatOgpu(limit)}): ${verdict.reason}`;
  return { ...verdict, kind: "hold", ...(about && { waitsFor: about }), reason };
}

/**
 * The approval by a person of what a policy of before the start held, whose file is gone: nobody knows its ceilings, and to pay without
 * them is not what was said.
 * @param about As above.
 */
export function unbounded(verdict: Verdict, about: WaitsFor | undefined): Verdict {
  if (verdict.kind !== "confirm") return verdict;
  const remedy = "bring its file back, or pay it by hand (ogpu-confirmd confirm)";
  const reason = `${notInForce(verdict.policy)}: ${remedy}; ${verdict.reason}`;
  return { ...verdict, kind: "hold", ...(about && { waitsFor: about }), reason };
}
