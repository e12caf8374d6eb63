import { Subject } from "rxjs";
import type { PolicySet } from "../../src/policy/policyPort.ts";
import { type PolicyStore, rememberCaps } from "../../src/policy/policyStore.ts";
import type { Prng } from "./prng.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtualTime.ts";

export type PolicyChangesDeps = {
  /** Those that are in force in the beginning, and in the end. */
  readonly policies: PolicySet;
  /** What may be in their place for a while. */
  readonly others: readonly PolicySet[];
  readonly prng: Prng;
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly count: (what: string) => void;
};

/**
 * Somebody who edits the policies' files while daemons run: what pays may be in shadow for a while, away, or written otherwise.
 * @param lengthMs The time in which that happens. @returns the policies of a daemon that starts.
 */
export function startPolicyChanges(deps: PolicyChangesDeps, lengthMs: number): () => PolicyStore {
  const { policies, others, prng, time, trace, count } = deps;
  const changes$ = new Subject<PolicySet>();
  let current = policies;
  const change = (set: PolicySet) => {
    trace.note("the policies' files change");
    count("policies changed");
    current = set;
    changes$.next(set);
  };
  if (prng.chance(0.25)) {
    for (let at = prng.between(20_000, lengthMs); at < lengthMs; at += prng.between(5_000, lengthMs)) {
      const set = prng.pick(others);
      time.after(at, () => change(set));
    }
    time.after(lengthMs, () => change(policies));
  }
  return () => {
    const caps = rememberCaps();
    caps.learn(current);
    changes$.subscribe(caps.learn);
    return { current: () => current, capsOf: caps.of, changes$ };
  };
}
