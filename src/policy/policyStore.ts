import { NEVER, type Observable } from "rxjs";
import type { PolicyCaps, PolicySet } from "./policyPort.ts";

/** The policies in force; they may change while the daemon runs. */
export type PolicyStore = {
  readonly current: () => PolicySet;
  /**
   * The ceilings that the file of a policy gives, by the policy's name; of one that is in force no more, those that it gave last.
   * `undefined`: none of this name was in force since the start, and nobody knows.
   */
  readonly capsOf: (name: string) => PolicyCaps | undefined;
  /** Each set that took the place of another. Cold; never errors. */
  readonly changes$: Observable<PolicySet>;
};

/** Policies that stay as they are. */
export const fixedPolicies = (set: PolicySet): PolicyStore => {
  const caps = rememberCaps();
  caps.learn(set);
  return { current: () => set, capsOf: caps.of, changes$: NEVER };
};

/** Keeps the ceilings of every policy that was in force: what a removed one has approved may still wait to be paid. */
export function rememberCaps(): { readonly learn: (set: PolicySet) => void; readonly of: PolicyStore["capsOf"] } {
  const known = new Map<string, PolicyCaps>();
  return {
    learn: ({ policies }) => {
      for (const { name, caps } of policies) known.set(name, caps);
    },
    of: (name) => known.get(name),
  };
}

/** A store, out of a store or of a set that stays as it is. */
export const toStore = (policies: PolicySet | PolicyStore): PolicyStore =>
  "current" in policies ? policies : fixedPolicies(policies);
