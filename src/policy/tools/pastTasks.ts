import type { RecordedDecision } from "../../journal/policyJournal.ts";
import { notRead } from "../../payload/notRead.ts";
import type { FactsJson } from "../factsJson.ts";
import { matchableOf } from "../matchableOf.ts";
import type { Needs } from "../needs.ts";
import type { Candidate, PolicySet } from "../policyPort.ts";
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
    if (!facts || !policy || !facts.every((each) => isEnough(each, policy.needs))) return undefined;
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

/** Whether all that a policy reads was recorded: another policy, which read less, may have judged. */
function isEnough({ task, output, provider }: FactsJson, needs: Needs): boolean {
  const came = output.digest !== "";
  const wasRead = came || output.error !== notRead.error;
  return (
    (!needs.output || wasRead) &&
    (!needs.json || !output.valid || output.json !== null) &&
    (!needs.text || !came || output.text !== "" || output.bytes === 0) &&
    (!needs.config || task.config !== null) &&
    (!needs.stake || provider?.lockup !== undefined) &&
    (!needs.history || provider?.seen !== undefined)
  );
}

function selectFor(set: PolicySet, facts: readonly FactsJson[]) {
  const { task, source, config } = candidateOf(facts);
  // Where nothing was kept of the config, a function without a name may be one whose config could not be read.
  const valid = facts.some((each) => each.task.function !== "" || each.task.config !== null);
  return set.select(matchableOf(task, source, { json: config.json, valid }));
}
