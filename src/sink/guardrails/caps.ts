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

export const noCeilings: Ceilings = {
  perHour: undefined,
  perDay: undefined,
  perProviderHour: undefined,
  gasPerDay: undefined,
};

/** Of a policy whose file sets none. */
export const noCaps: PolicyCaps = {
  perTask: undefined,
  perHour: undefined,
  perDay: undefined,
  perProviderHour: undefined,
};

/** Stands in a policy's place where a person paid: the operator's ceilings alone count. No policy can be called so. */
export const byHand = "by hand";

/** A ceiling on a sum that a confirmation adds to. */
export type Cap = {
  /** As the operator wrote it, e.g. `guardrails.perDay`. */
  readonly name: string;
  /** Whose sum it is: every confirmation of the same scope and length counts. */
  readonly scope: string;
  readonly lengthMs: number;
  readonly limit: Wei;
};

/** The most that one confirmation may cost, and what says so. */
type PriceLimit = Pick<Cap, "name" | "limit">;

/** The ceilings that a confirmation counts against: the operator's, and its policy's own. */
export function capsOf({ policy, provider }: Payee, ceilings: Ceilings, ofPolicy: PolicyCaps | undefined): Cap[] {
  const ofProvider = `provider ${provider ?? "unknown"}`;
  const caps: Cap[] = [];
  const add = (name: string, scope: string, lengthMs: number, limit: Wei | undefined) => {
    if (limit !== undefined) caps.push({ name, scope, lengthMs, limit });
  };
  add("guardrails.perHour", "all", hourMs, ceilings.perHour);
  add("guardrails.perDay", "all", dayMs, ceilings.perDay);
  add("guardrails.perProviderHour", ofProvider, hourMs, ceilings.perProviderHour);
  if (ofPolicy === undefined) return caps;
  const ofPolicyName = `policy ${policy}`;
  add(`caps.perHour of ${policy}`, ofPolicyName, hourMs, ofPolicy.perHour);
  add(`caps.perDay of ${policy}`, ofPolicyName, dayMs, ofPolicy.perDay);
  add(`caps.perProviderHour of ${policy}`, `${ofPolicyName}, ${ofProvider}`, hourMs, ofPolicy.perProviderHour);
  return caps;
}

/** The ceiling that a single price meets first, whatever is used of them: what is above that one is never paid. */
export const lowest = (first: PriceLimit, ...others: readonly PriceLimit[]): PriceLimit =>
  others.reduce((least, each) => (each.limit < least.limit ? each : least), first);

/** The scopes whose sums a confirmation adds to, whether or not a ceiling stands on them now. */
export const scopesOf = ({ policy, provider }: Payee): readonly string[] => {
  const ofProvider = `provider ${provider ?? "unknown"}`;
  return ["all", ofProvider, `policy ${policy}`, `policy ${policy}, ${ofProvider}`];
};

/** Why nothing is paid for a policy whose ceilings nobody knows. */
export const notInForce = (policy: string): string =>
  `its policy "${policy}" is not in force, and nobody knows its ceilings`;
