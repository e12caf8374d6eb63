import { loadPolicySet } from "../loadPolicySet.ts";
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
    const names = policies.map(({ name, mode, strategy }) => `  ${name} (${strategy}, ${mode})`);
    return `${policies.length === 1 ? "1 policy" : `${policies.length} policies`} in ${folder}: valid\n${names.join("\n")}\n`;
  } finally {
    await evaluator.close();
  }
}
