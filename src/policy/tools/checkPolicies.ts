import { heapOf, payloadMemory } from "../../payload/heapOf.ts";
import { loadPolicySet } from "../loadPolicySet.ts";
import type { Policy } from "../policyPort.ts";
import { createWorkerEvaluator } from "../worker/workerEvaluator.ts";

/**
 * Loads a folder as the daemon would, plug-ins included.
 *
 * @returns what to print.
 * @throws ConfigError `POLICY_INVALID` with every problem as `file:line:column: message (hint)`.
 */
export async function checkPolicies(folder: string): Promise<string> {
  const evaluator = createWorkerEvaluator({ threads: 1 });
  try {
    const { policies } = await loadPolicySet(folder, { evaluator });
    const names = policies.map((each) => `  ${each.name} (${each.strategy}, ${each.mode})${whatFits(each)}`);
    return `${policies.length === 1 ? "1 policy" : `${policies.length} policies`} in ${folder}: valid\n${names.join("\n")}\n`;
  } finally {
    await evaluator.close();
  }
}

/** So many answers to one task may well come: where they all have room at once, nothing is said. */
const usual = 32;

function whatFits({ comparesSiblings, needs, limits }: Policy): string {
  const fit = Math.floor(payloadMemory / heapOf(limits.maxBytes));
  if (!comparesSiblings || !needs.output || fit >= usual) return "";
  return `: ${fit} payloads of output.maxBytes have room beside one another; of more, the dear ones are not compared`;
}
