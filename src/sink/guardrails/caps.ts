import type { Payee } from "../../journal/sinkJournal.ts";
import type { PolicyCaps } from "../../policy/policyPort.ts";
import type { Wei } from "../../protocol/brand.ts";

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** The operator's ceilings, wei; `undefined`: none. Hours and days are the last sixty minutes and the last 24 hours. */
export type Ceilings = {
  readonly perHour: Wei | undefined;
  readonly perDay: Wei | undefined;
  readonly perProviderHour: Wei | undefined;
  /** What gas may cost. */
  readonly gasPerDay: Wei | undefined;
};

/** A ceiling on a sum that a confirmation adds to. */
export type Cap = {
  /** As the operator wrote it, e.g. `guardrails.perDay`. */
  readonly name: string;
  /** Whose sum it is: every confirmation of the same scope and length counts. */
  readonly scope: string;
  readonly lengthMs: number;
  readonly limit: Wei;
};

/** The ceilings that a confirmation counts against: the operator's, and its policy's own. */
export function capsOf({ policy, provider }: Payee, ceilings: Ceilings, ofPolicy: PolicyCaps | undefined): Cap[] {
  const ofProvider = `provider ${provider ?? "unknown"}`;
  const ofPolicyName = `policy ${policy}`;
  const caps: (Omit<Cap, "limit"> & { readonly limit: Wei | undefined })[] = [
    { name: "guardrails.perHour", scope: "all", lengthMs: hourMs, limit: ceilings.perHour },
    { name: "guardrails.perDay", scope: "all", lengthMs: dayMs, limit: ceilings.perDay },
    { name: "guardrails.perProviderHour", scope: ofProvider, lengthMs: hourMs, limit: ceilings.perProviderHour },
    { name: `caps.perHour of ${policy}`, scope: ofPolicyName, lengthMs: hourMs, limit: ofPolicy?.perHour },
    { name: `caps.perDay of ${policy}`, scope: ofPolicyName, lengthMs: dayMs, limit: ofPolicy?.perDay },
    {
      name: `caps.perProviderHour of ${policy}`,
      scope: `${ofPolicyName}, ${ofProvider}`,
      lengthMs: hourMs,
      limit: ofPolicy?.perProviderHour,
    },
  ];
  return caps.filter((cap): cap is Cap => cap.limit !== undefined);
}

/** The scopes whose sums a confirmation adds to, whether or not a ceiling stands on them now. */
export const scopesOf = ({ policy, provider }: Payee): readonly string[] => {
  const ofProvider = `provider ${provider ?? "unknown"}`;
  return ["all", ofProvider, `policy ${policy}`, `policy ${policy}, ${ofProvider}`];
};
