import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { EMPTY } from "rxjs";
import { createChain } from "../chain/createChain.ts";
import { systemClock } from "../clock.ts";
import { loadConfig } from "../config/loadConfig.ts";
import type { Config } from "../config/schema.ts";
import { exitCodes } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import type { RecordedDecision } from "../journal/policyJournal.ts";
import { createPayload } from "../payload/createPayload.ts";
import type { FactsJson } from "../policy/factsJson.ts";
import { type LoadedPolicies, loadPolicies } from "../policy/loadPolicies.ts";
import { createRecordedSignals } from "../policy/signals/recordedSignals.ts";
import { backtest, type PastTask } from "../policy/tools/backtest.ts";
import { backtestPage, backtestTable } from "../policy/tools/backtestReport.ts";
import { pastTasks } from "../policy/tools/pastTasks.ts";
import { withCeiling } from "../withCeiling.ts";
import { chainTasks } from "./chainTasks.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { CommandOptions } from "./commandOptions.ts";
import type { Context } from "./context.ts";
import { journalSite, requireJournal } from "./journalSite.ts";
import { openEndpoints } from "./openEndpoints.ts";
import { requireDeployment } from "./requireDeployment.ts";
import { besideDaemon } from "./withJournal.ts";

/**
 * `policy backtest [FOLDER] [--since DATE | --from BLOCK [--to BLOCK]] [--json] [--html FILE]`: what these files would
 * have paid, for the tasks in the journal or for those that were published in a range of blocks.
 */
export async function policyBacktest(
  { env, cwd, stdout }: Context,
  { options, file, flags }: Line,
  [folder]: readonly string[],
): Promise<number> {
  const { config } = loadConfig({ file, flags, env, cwd });
  const site = journalSite(config, { env, cwd });
  if (options.from === undefined) await requireJournal(site);
  return besideDaemon(site, async (journal) => {
    const decisions = await journal.decisions(sinceOf(options), true);
    const signals = createRecordedSignals(() => decisions.flatMap(factsOf));
    const set = loadPolicies(folder === undefined ? config.policies.dir : resolve(cwd, folder), { signals });
    const ofJournal = options.from === undefined;
    const tasks = ofJournal ? pastTasks(set, decisions) : await ofChain(config, set, journal, options);
    const limits = { maxPayment: config.sink.maxPayment, ceilings: config.guardrails };
    const result = await backtest(tasks, {
      unjudged: ofJournal ? await countUnjudged(journal, tasks) : 0,
      bound: (verdict, response, caps) => withCeiling(verdict, response, limits, caps, "document"),
    });
    stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : backtestTable(result));
    if (options.html !== undefined) writeFileSync(resolve(cwd, options.html), backtestPage(result));
    return exitCodes.ok;
  });
}

type Tasks = readonly (PastTask | undefined)[];

function sinceOf({ since, from }: CommandOptions): number {
  if (since === undefined) return 0;
  if (from !== undefined) throw usage("--since is for the journal, --from for the chain: write one of them");
  const at = Date.parse(since);
  if (Number.isNaN(at)) throw usage(`--since is a date such as 2026-01-31, not "${since}"`);
  return at;
}

const factsOf = ({ factsJson }: RecordedDecision): readonly FactsJson[] => {
  const facts = factsJson === "" ? {} : (JSON.parse(factsJson) as Partial<FactsJson>);
  return facts.response ? [facts as FactsJson] : [];
};

/** Responses of these tasks that nobody judged: the journal knows that they came, and nothing of what they are. */
async function countUnjudged(journal: Journal, tasks: Tasks): Promise<number> {
  let unjudged = 0;
  for (const past of tasks) {
    if (!past) continue;
    const record = await journal.task(past.candidate.task.address);
    unjudged += Math.max(0, (record?.responses.length ?? 0) - past.candidate.responses.length);
  }
  return unjudged;
}

async function ofChain(
  config: Config,
  set: LoadedPolicies,
  journal: Journal,
  { from, to }: CommandOptions,
): Promise<Tasks> {
  const clock = systemClock;
  const report = () => undefined;
  const rpc = openEndpoints(config, { clock, random: Math.random, report });
  const chain = createChain({
    ...{ rpc, clock, report, socket$: EMPTY, pollIntervalMs: config.rpc.pollInterval },
    ...{ deployment: requireDeployment(config.chain.id), finality: config.chain.finality },
  });
  const { number } = await chain.head();
  const range = { from: blockOf("from", from, 0n), to: blockOf("to", to, number) };
  const payload = createPayload(config.payload);
  return chainTasks({ chain, journal, payload }, set, range);
}

function blockOf(name: string, text: string | undefined, fallback: bigint): bigint {
  if (text === undefined) return fallback;
  if (!/^\d{1,18}$/.test(text)) throw usage(`--${name} is a block number, not "${text}"`);
  return BigInt(text);
}
