import type { RecordedDecision } from "../../journal/policyJournal.ts";
import type { FactsJson } from "../factsJson.ts";
import type { PolicySet } from "../policyPort.ts";
import type { PastTask } from "./backtest.ts";
import { candidateOf } from "./fromFacts.ts";

/**
 * The tasks of the journal, by the facts that were recorded with its verdicts.
 *
 * @param decisions As `journal.decisions` answers them.
 */
export function pastTasks(set: PolicySet, decisions: readonly RecordedDecision[]): readonly (PastTask | undefined)[] {
  return [...Map.groupBy(decisions, ({ task }) => task).values()].map((all) => {
    const facts = newestFacts(all);
    const policy = facts && selectFor(set, facts);
    if (!facts || !policy) return undefined;
    const paid = all.find(({ kind, transaction }) => kind === "confirm" && transaction !== undefined);
    const did = paid && { response: paid.response, provider: paid.provider ?? "", payment: String(paid.payment) };
    return { policy, candidate: candidateOf(facts), did };
  });
}

/** The facts of each response, as they were last recorded; `undefined` where some were not kept whole. */
function newestFacts(decisions: readonly RecordedDecision[]): readonly FactsJson[] | undefined {
  const newest = new Map(decisions.filter(({ factsJson }) => factsJson).map((each) => [each.response, each.factsJson]));
  const facts = [...newest.values()].map((json) => JSON.parse(json) as FactsJson & { readonly truncated?: true });
  return facts.length === 0 || facts.some(({ truncated }) => truncated) ? undefined : facts;
}

function selectFor(set: PolicySet, facts: readonly FactsJson[]) {
  const { task, source } = candidateOf(facts);
  const { deliveryMethod, payment } = task;
  const functionName = facts[0]?.task.function;
  return set.select({ source: task.source, client: source.client, functionName, deliveryMethod, payment });
}
