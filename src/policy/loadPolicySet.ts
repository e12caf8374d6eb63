import type { Evaluator } from "./evaluator.ts";
import { type LoadedPolicies, loadPolicies } from "./loadPolicies.ts";
import { policyError } from "./problems.ts";
import type { Signals } from "./signals/signalsPort.ts";

export type PolicySetOptions = { readonly evaluator: Evaluator; readonly signals?: Signals };

/**
 * Loads a folder and compiles it where it will run: a plug-in that does not load is found here, not at the first task.
 *
 * @throws ConfigError `POLICY_INVALID`, as `loadPolicies`.
 */
export async function loadPolicySet(folder: string, options: PolicySetOptions): Promise<LoadedPolicies> {
  const set = loadPolicies(folder, options);
  for (const { file, program } of set.loaded) {
    if (!program.plugin) continue;
    try {
      await options.evaluator.prepare([program]);
    } catch (error) {
      throw policyError([{ file, line: 1, column: 1, message: (error as Error).message, hint: "" }]);
    }
  }
  await options.evaluator.prepare(set.loaded.map(({ program }) => program));
  return set;
}
