import type { RecordedDecision } from "../../journal/policyJournal.ts";
import { notRead } from "../../payload/notRead.ts";
import type { FactsJson } from "../factsJson.ts";
import { matchableOf } from "../matchableOf.ts";
import type { Needs } from "../needs.ts";
import type { Candidate, PolicySet } from "../policyPort.ts";
import type { PastTask } from "./backtest.ts";
import { candidateOf } from "./fromFacts.ts";
import { isEnough } from "./isEnough.ts";

/**
 * The tasks of the journal, by the facts that were recorded with its verdicts.
 *
 * @param decisions As `journal.decisions` answers them.
 */
export function pastTasks(set: PolicySet, decisions: readonly RecordedDecision[]): readonly (PastTask | undefined)[] {
  return [...Map.groupBy(decisions, ({ task }) => task).values()].map((all) => {
    const facts = newestFacts(all);
    const policy = facts && selectFor(set, facts);
    // No facts tell when the task was published.
    if (!facts || !policy || policy.needs.published) return undefined;
    if (!facts.every((each) => isEnough(each, policy.needs))) return undefined;
    const paid = all.find(({ confirmation }) => confirmation === "mined" || confirmation === "final");
    const did = paid && { response: paid.response, provider: paid.provider ?? "", payment: String(paid.payment) };
    return { policy, candidate: asRead(candidateOf(facts), policy.needs), did };
  });
}

/** Without payloads, where the policy would not have had them fetched: another one did. */
const asRead = (candidate: Candidate, { output }: Needs): Candidate =>
  output ? candidate : { ...candidate, responses: candidate.responses.map((item) => ({ ...item, output: notRead })) };

/** The facts of each response, as they were last recorded; `undefined` where some were not kept whole. */
function newestFacts(decisions: readonly RecordedDecision[]): readonly FactsJson[] | undefined {
  const newest = new Map(decisions.filter(({ factsJson }) => factsJson).map((each) => [each.response, each.factsJson]));
  const facts = [...newest.values()].map((json) => JSON.parse(json) as FactsJson & { readonly truncated?: true });
  return facts.length === 0 || facts.some(({ truncated }) => truncated) ? undefined : facts;
}

function selectFor(set: PolicySet, facts: readonly FactsJson[]) {
  const { task, source, config } = candidateOf(facts);
  // Where nothing was kept of the config, a function without a name may be one whose config could not be read.
  const valid = facts.some((each) => each.task.function !== "" || each.task.config !== null);
  return set.select(matchableOf(task, source, { json: config.json, valid }));
}
