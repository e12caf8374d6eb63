import { catchError, concatMap, defer, EMPTY, from, type Observable, share, tap } from "rxjs";
import { describeError } from "../errors.ts";
import { type LoadedPolicies, loadPolicies } from "./loadPolicies.ts";
import { loadPolicySet, type PolicySetOptions } from "./loadPolicySet.ts";
import type { PolicySet } from "./policyPort.ts";
import { type PolicyStore, rememberCaps } from "./policyStore.ts";

export type ReloadOptions = PolicySetOptions & {
  readonly folder: string;
  /** What else a set must pass. @throws ConfigError where it does not. */
  readonly checkSet?: (set: LoadedPolicies) => Promise<void>;
  /** When to look at the files again. */
  readonly triggers$: Observable<unknown>;
  /** The files changed, and are in force; or they are again what is in force, after others were refused. */
  readonly onChanged: (set: PolicySet) => void;
  /** The files changed, and are refused; the set before stays in force. */
  readonly onRefused: (problems: string) => void;
  /** What came of each trigger, whether or not the files changed. @param problems Where they are refused. */
  readonly onLooked?: (trigger: unknown, problems: string | undefined) => void;
};

/**
 * Loads the policies and keeps them up to date while somebody listens to `changes$`. A set takes the place of the one
 * before whole, or not at all.
 *
 * @throws ConfigError `POLICY_INVALID` where the first set does not load.
 */
export async function createPolicyStore(options: ReloadOptions): Promise<PolicyStore> {
  const { folder, triggers$, onChanged, onRefused, checkSet } = options;
  const load = async (): Promise<LoadedPolicies> => {
    const set = await loadPolicySet(folder, options);
    await checkSet?.(set);
    return set;
  };
  const caps = rememberCaps();
  let current = await load();
  caps.learn(current);
  let refused = "";

  const reload = async (): Promise<readonly PolicySet[]> => {
    let next: LoadedPolicies;
    try {
      // First without compiling anything where it runs: most events change nothing.
      if (fingerprint(loadPolicies(folder, options)) === fingerprint(current)) {
        if (refused !== "") onChanged(current);
        refused = "";
        return [];
      }
      next = await load();
    } catch (error) {
      await options.evaluator.prepare(current.loaded.map(({ program }) => program)).catch(() => undefined);
      const problems = describeError(error);
      if (problems !== refused) onRefused(problems);
      refused = problems;
      return [];
    }
    refused = "";
    current = next;
    caps.learn(next);
    onChanged(next);
    return [next];
  };

  const changes$ = triggers$.pipe(
    concatMap((trigger) =>
      defer(reload).pipe(
        tap(() => options.onLooked?.(trigger, refused || undefined)),
        concatMap((sets) => from(sets)),
      ),
    ),
    catchError(() => EMPTY),
    share(),
  );
  return { current: () => current, capsOf: caps.of, changes$ };
}

const fingerprint = ({ loaded }: LoadedPolicies): string =>
  loaded.map(({ policy }) => `${policy.name} ${policy.digest}`).join("\n");
