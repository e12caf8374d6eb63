import { type FirstRules, judgeFirst } from "./first.ts";
import type { Candidate, Policy, Verdict } from "./policyPort.ts";
import type { PolicySpec } from "./policySpec.ts";

/** Puts a policy's rules behind the port: whatever throws inside becomes `hold`, and no promise rejects. */
export function createPolicy(spec: PolicySpec, digest: string, rules: FirstRules): Policy {
  const written = { policy: spec.name.value, policyDigest: digest, mode: spec.mode };
  return {
    name: written.policy,
    digest,
    mode: spec.mode,
    limits: { maxBytes: spec.maxBytes, timeoutMs: spec.timeoutMs },
    judge: async (candidate) => {
      try {
        return judgeFirst(rules, candidate).map(({ item, decision }) => ({
          response: item.response.address,
          kind: decision.kind,
          reason: decision.reason,
          until: decision.kind === "wait" ? decision.until : undefined,
          ...written,
        }));
      } catch {
        return holdAll(candidate, written);
      }
    },
  };
}

function holdAll(candidate: Candidate, written: Pick<Verdict, "policy" | "policyDigest" | "mode">): readonly Verdict[] {
  const reason = "the policy failed on this task: a fact is not what it should be";
  try {
    return candidate.responses.map(({ response }) => {
      return { response: response.address, kind: "hold", reason, until: undefined, ...written };
    });
  } catch {
    return [];
  }
}
