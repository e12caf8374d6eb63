import { RetryableError } from "../errors.ts";
import { type JudgeRules, judge } from "./judge.ts";
import type { Candidate, Policy, Verdict } from "./policyPort.ts";
import type { PolicySpec } from "./policySpec.ts";

/** Puts a policy's rules behind the port: whatever throws inside becomes `hold`, but for what a stop cut off. */
export function createPolicy(spec: PolicySpec, rules: JudgeRules): Policy {
  const { digest } = rules.program;
  const written = { policy: spec.name.value, policyDigest: digest, mode: spec.mode };
  const { strategy } = spec;
  return {
    name: written.policy,
    digest,
    mode: spec.mode,
    strategy: strategy.name,
    caps: spec.caps,
    limits: { maxBytes: spec.maxBytes, timeoutMs: spec.timeoutMs },
    needs: rules.needs,
    comparesSiblings: strategy.name !== "first" && !(strategy.name === "manual" && strategy.window === undefined),
    judge: async (candidate) => {
      try {
        return (await judge(rules, candidate)).map(({ item, decision, facts }) => ({
          response: item.response.address,
          kind: decision.kind,
          reason: decision.reason,
          until: decision.kind === "wait" ? decision.until : undefined,
          ...("waitsFor" in decision && { waitsFor: decision.waitsFor }),
          ...written,
          facts,
        }));
      } catch (error) {
        if (error instanceof RetryableError) throw error;
        return holdAll(candidate, written);
      }
    },
  };
}

function holdAll(candidate: Candidate, written: Pick<Verdict, "policy" | "policyDigest" | "mode">): readonly Verdict[] {
  const reason = "the policy failed on this task: a fact is not what it should be";
  try {
    return candidate.responses.map(({ response }) => {
      const about = { response: response.address, kind: "hold", waitsFor: "document" } as const;
      return { ...about, reason, until: undefined, ...written };
    });
  } catch {
    return [];
  }
}
