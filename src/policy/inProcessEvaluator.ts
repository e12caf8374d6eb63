import { assessInOrder } from "./assessInOrder.ts";
import { type Assessor, createAssessor } from "./assessor.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Program } from "./program.ts";

/**
 * Evaluates in this thread: deterministic, and at the mercy of what it evaluates. For the simulator, the tools and tests;
 * the daemon uses `createNearEvaluator`.
 */
export function createInProcessEvaluator(): Evaluator {
  const assessors = new Map<string, Promise<Assessor>>();
  const assessorOf = (program: Program): Promise<Assessor> => {
    const known = assessors.get(program.digest);
    if (known) return known;
    const fresh = createAssessor(program);
    assessors.set(program.digest, fresh);
    return fresh;
  };
  return {
    prepare: async (programs) => {
      for (const program of programs) await assessorOf(program);
    },
    assess: async (program, facts, options) => {
      const assess = await assessorOf(program).catch(() => undefined);
      if (assess === undefined) return facts.map(() => ({ kind: "hold", reason: "the policy cannot be compiled" }));
      return assessInOrder(assess, facts, options);
    },
    close: async () => undefined,
  };
}
