import { heapOf, payloadMemory } from "../../payload/heapOf.ts";
import type { LoadedPolicy } from "../loadPolicies.ts";
import { loadPolicySet } from "../loadPolicySet.ts";
import { createNearEvaluator } from "../nearEvaluator.ts";
import type { Policy } from "../policyPort.ts";
import { createWorkerEvaluator } from "../worker/workerEvaluator.ts";
import { takesAll } from "./takesAll.ts";

/**
 * Loads a folder as the daemon would, plug-ins included.
 *
 * @returns what to print.
 * @throws ConfigError `POLICY_INVALID` with every problem as `file:line:column: message (hint)`.
 */
export async function checkPolicies(folder: string): Promise<string> {
  const evaluator = createNearEvaluator(createWorkerEvaluator({ threads: 1 }));
  try {
    const { loaded } = await loadPolicySet(folder, { evaluator });
    const names = loaded.map((each, place) => {
      const { name, strategy, mode } = each.policy;
      return `  ${name} (${strategy}, ${mode})${whatFits(each.policy)}${whoIsBefore(each, loaded.slice(0, place))}`;
    });
    return `${loaded.length === 1 ? "1 policy" : `${loaded.length} policies`} in ${folder}: valid\n${names.join("\n")}\n`;
  } finally {
    await evaluator.close();
  }
}

/** The first policy whose `match` fits judges a task, also one in mode shadow: those after it are not asked. */
function whoIsBefore({ spec }: LoadedPolicy, before: readonly LoadedPolicy[]): string {
  const taker = before.find((each) => takesAll(each.spec.match, spec.match));
  return taker ? `: judges nothing, since ${taker.policy.name} comes first and fits every task that it would` : "";
}

/** So many answers to one task may well come: where they all have room at once, nothing is said. */
const usual = 32;

function whatFits({ comparesSiblings, needs, limits }: Policy): string {
  const fit = Math.floor(payloadMemory / heapOf(limits.maxBytes));
  if (!comparesSiblings || !needs.output || fit >= usual) return "";
  return `: ${fit} payloads of output.maxBytes have room beside one another; of more, the dear ones are not compared`;
}
