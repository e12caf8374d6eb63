import { readAddress } from "../client/inputs.ts";
import { ConfigError, exitCodes } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import type { RecordedDecision } from "../journal/policyJournal.ts";
import type { FactsJson } from "../policy/factsJson.ts";
import { type LoadedPolicy, loadPolicies } from "../policy/loadPolicies.ts";
import { explain } from "../policy/tools/explain.ts";
import { isEnough } from "../policy/tools/isEnough.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed, type ResponseAddress, type TaskAddress, toAddress } from "../protocol/brand.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";
import { oneLine } from "./terminal.ts";
import { withJournal } from "./withJournal.ts";

/** `policy explain RESPONSE` and `policy explain --decision ID`: replays a decision out of the journal. */
export async function policyExplain(context: Context, line: Line, [response]: readonly string[]): Promise<number> {
  const { stdout } = context;
  const { options } = line;
  const wanted = readWanted(options.decision, response);
  return withJournal(context, line, async (journal, { config }) => {
    const found = await (typeof wanted === "number" ? journal.decision(wanted) : journal.decisionOf(wanted));
    if (!found) throw await whyThereIsNone(journal, wanted);
    if (options.json) stdout.write(`${found.factsJson || "null"}\n`);
    else stdout.write(printed([...headOf(found), ...(await bodyOf(found, loadPolicies(config.policies.dir).loaded))]));
    return exitCodes.ok;
  });
}

/** The number of a decision, or whose newest decision it is. */
function readWanted(decision: string | undefined, response: string | undefined): number | ResponseAddress {
  if (decision === undefined) {
    if (response === undefined) throw usage("write policy explain RESPONSE, or policy explain --decision ID");
    return toAddress<ResponseAddress>(readAddress("the response", response));
  }
  if (response !== undefined) throw usage("a response has decisions of its own: write it, or --decision ID, not both");
  if (!/^[1-9]\d{0,14}$/.test(decision)) throw usage(`--decision is the number of a decision, not "${decision}"`);
  return Number(decision);
}

async function whyThereIsNone(journal: Journal, wanted: number | ResponseAddress): Promise<ConfigError> {
  const because = (message: string, remedy: string) => new ConfigError(message, { code: "NO_DECISION", remedy });
  const elsewhere = 'see "ogpu-confirmd held list" and "ogpu-confirmd journal export"; what was pruned is gone';
  if (typeof wanted === "number") return because(`the journal has no decision ${wanted}`, elsewhere);
  const shown = checksummed(wanted);
  if (await journal.task(toAddress<TaskAddress>(wanted))) {
    return because(`${shown} is a task`, `see its responses: ogpu-confirmd responses ${shown}`);
  }
  const task = (await journal.tasksOfResponses([wanted])).get(wanted);
  const record = task && (await journal.task(task));
  if (!record) return because(`the journal has no decision about ${shown}`, elsewhere);
  const state = [record.state, record.reason].filter(Boolean).join(", ");
  return because(
    `nothing was decided about ${shown}: its task ${checksummed(record.task)} is ${state}`,
    'see which policies apply to what: "ogpu-confirmd policy list"',
  );
}

/** Each line holds words of strangers, and is printed whole: what is cut, is cut before. */
const printed = (lines: readonly string[]): string => lines.map((line) => `${oneLine(line, Infinity)}\n`).join("");

function headOf(decision: RecordedDecision): readonly string[] {
  const { id, kind, reason, policy, policyDigest, mode, response, task, payment, block } = decision;
  return [
    `decision ${id}: ${kind} (${mode}) by ${policy}`,
    `  ${reason}`,
    `  task ${checksummed(task)}, response ${checksummed(response)}, price ${formatOgpu(payment)}`,
    `  policy ${policyDigest}`,
    `  facts ${decision.factsDigest || "(nothing was evaluated)"} at block ${block.number}`,
    `  payload ${decision.payloadDigest || "(none came)"}`,
    `  transaction ${transactionOf(decision)}`,
    "",
  ];
}

const transactionOf = ({ transaction, confirmation }: RecordedDecision): string =>
  confirmation === undefined ? "(none)" : `${transaction ?? "(not signed)"}, the confirmation is ${confirmation}`;

async function bodyOf(
  { factsJson, policy, policyDigest }: RecordedDecision,
  loaded: readonly LoadedPolicy[],
): Promise<readonly string[]> {
  if (factsJson === "") return ["no facts were kept with it"];
  const facts = JSON.parse(factsJson) as Partial<FactsJson> & { readonly truncated?: true };
  if (facts.truncated) return ["the facts were too long to be kept whole; what was kept:", factsJson];
  const now = loaded.find((each) => each.policy.digest === policyDigest);
  if (now) return explain(now.program, facts as FactsJson);
  const other = loaded.find((each) => each.policy.name === policy);
  if (!other) return [`no file has the policy ${policy} any more; its facts:`, factsJson];
  const changed = `The file of ${policy} has changed since`;
  if (!hasWhatItReads(facts as FactsJson, other)) {
    return [`${changed}, and reads today what was not recorded then; the facts of then:`, factsJson];
  }
  return [`${changed}: this is what it says today.`, "", ...(await explain(other.program, facts as FactsJson))];
}

/** Facts that nobody had asked for would be explained as if they were not there. */
const hasWhatItReads = (facts: FactsJson, { policy: { needs } }: LoadedPolicy): boolean =>
  isEnough(facts, needs) && (!needs.siblings || facts.siblings !== undefined);
