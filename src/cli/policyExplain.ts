import { loadConfig } from "../config/loadConfig.ts";
import { ConfigError, exitCodes } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import type { RecordedDecision } from "../journal/policyJournal.ts";
import type { FactsJson } from "../policy/factsJson.ts";
import { type LoadedPolicy, loadPolicies } from "../policy/loadPolicies.ts";
import { explain } from "../policy/tools/explain.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed } from "../protocol/brand.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";
import { journalSite, requireJournal } from "./journalSite.ts";
import { besideDaemon } from "./withJournal.ts";

/** `policy explain RESPONSE` and `policy explain --decision ID`: replays a decision out of the journal. */
export async function policyExplain(
  { env, cwd, stdout }: Context,
  { options, file, flags }: Line,
  [response]: readonly string[],
): Promise<number> {
  const { config } = loadConfig({ file, flags, env, cwd });
  const site = journalSite(config, { env, cwd });
  await requireJournal(site);
  return besideDaemon(site, async (journal) => {
    const found = await find(journal, options.decision, response);
    if (!found) throw new ConfigError("the journal has no such decision", { code: "NO_DECISION" });
    if (options.json) stdout.write(`${found.factsJson}\n`);
    else stdout.write(headOf(found) + bodyOf(found, loadPolicies(config.policies.dir).loaded));
    return exitCodes.ok;
  });
}

async function find(
  journal: Journal,
  decision: string | undefined,
  response: string | undefined,
): Promise<RecordedDecision | undefined> {
  if (decision !== undefined) {
    if (!/^[1-9]\d{0,14}$/.test(decision)) throw usage(`--decision is the number of a decision, not "${decision}"`);
    return journal.decision(Number(decision));
  }
  if (response === undefined) throw usage("write policy explain RESPONSE, or policy explain --decision ID");
  return (await journal.decisions(0)).findLast((each) => each.response === response.toLowerCase());
}

function headOf(decision: RecordedDecision): string {
  const { id, kind, reason, policy, policyDigest, mode, response, task, payment, block } = decision;
  return [
    `decision ${id}: ${kind} (${mode}) by ${policy}`,
    `  ${reason}`,
    `  task ${checksummed(task)}, response ${checksummed(response)}, price ${formatOgpu(payment)}`,
    `  policy ${policyDigest}`,
    `  facts ${decision.factsDigest || "(nothing was evaluated)"} at block ${block.number}`,
    `  payload ${decision.payloadDigest || "(none came)"}`,
    `  transaction ${decision.transaction ?? "(none)"}`,
    "",
    "",
  ].join("\n");
}

function bodyOf({ factsJson, policy, policyDigest }: RecordedDecision, loaded: readonly LoadedPolicy[]): string {
  if (factsJson === "") return "no facts were kept with it\n";
  const facts = JSON.parse(factsJson) as Partial<FactsJson> & { readonly truncated?: true };
  if (facts.truncated) return `the facts were too long to be kept whole; what was kept:\n${factsJson}\n`;
  const now = loaded.find((each) => each.policy.digest === policyDigest);
  const other = loaded.find((each) => each.policy.name === policy);
  if (!now && !other) return `no file has the policy ${policy} any more; its facts:\n${factsJson}\n`;
  const changed = now ? "" : `The file of ${policy} has changed since: this is what it says today.\n\n`;
  return changed + explain((now ?? other)?.program as LoadedPolicy["program"], facts as FactsJson);
}
