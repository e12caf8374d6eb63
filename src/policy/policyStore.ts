import { NEVER, type Observable } from "rxjs";
import type { PolicyCaps, PolicySet } from "./policyPort.ts";

/** The policies in force; they may change while the daemon runs. */
export type PolicyStore = {
  readonly current: () => PolicySet;
  /** Each set that took the place of another. Cold; never errors. */
  readonly changes$: Observable<PolicySet>;
};

/** Policies that stay as they are. */
export const fixedPolicies = (set: PolicySet): PolicyStore => ({ current: () => set, changes$: NEVER });

/** A store, out of a store or of a set that stays as it is. */
export const toStore = (policies: PolicySet | PolicyStore): PolicyStore =>
  "current" in policies ? policies : fixedPolicies(policies);

/** The ceilings that the file of a policy in force gives, by the policy's name. */
export const capsIn = ({ current }: PolicyStore, name: string): PolicyCaps | undefined =>
  current().policies.find((policy) => policy.name === name)?.caps;
