import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { EMPTY } from "rxjs";
import { createChain } from "../chain/createChain.ts";
import { steadyClock } from "../clock.ts";
import { loadConfig } from "../config/loadConfig.ts";
import type { Config } from "../config/schema.ts";
import { exitCodes } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import type { RecordedDecision } from "../journal/policyJournal.ts";
import { createPayload } from "../payload/createPayload.ts";
import { patiently } from "../payload/patiently.ts";
import type { FactsJson } from "../policy/factsJson.ts";
import { type LoadedPolicies, loadPolicies } from "../policy/loadPolicies.ts";
import type { Candidate } from "../policy/policyPort.ts";
import { createRecordedSignals } from "../policy/signals/recordedSignals.ts";
import { backtest, type PastTask } from "../policy/tools/backtest.ts";
import { backtestPage, backtestTable } from "../policy/tools/backtestReport.ts";
import { pastTasks } from "../policy/tools/pastTasks.ts";
import { type TaskAddress, toAddress, wei } from "../protocol/brand.ts";
import { withCeiling } from "../withCeiling.ts";
import { chainTasks } from "./chainTasks.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { CommandOptions } from "./commandOptions.ts";
import type { Context } from "./context.ts";
import { journalSite, requireJournal } from "./journalSite.ts";
import { openEndpoints } from "./openEndpoints.ts";
import { requireDeployment } from "./requireDeployment.ts";
import { askedUrls } from "./scrubOutputs.ts";
import { plain } from "./terminal.ts";
import { watchedSources } from "./watchedSources.ts";
import { besideDaemon } from "./withJournal.ts";
import { writeNamed } from "./writeNamed.ts";

/**
 * `policy backtest [FOLDER] [--since DATE | --from BLOCK [--to BLOCK]] [--json] [--html FILE]`: what these files would
 * have paid, for the tasks in the journal or for those that were published in a range of blocks.
 */
export async function policyBacktest(
  { env, cwd, stdout, stderr, hide }: Context,
  { options, file, flags }: Line,
  [folder]: readonly string[],
): Promise<number> {
  const { config } = loadConfig({ file, flags, env, cwd });
  hide([], askedUrls(config));
  const [since, blocks] = [sinceOf(options), blocksOf(options)];
  const site = journalSite(config, { env, cwd });
  const ofJournal = blocks === undefined;
  if (ofJournal) await requireJournal(site);
  const work = async (journal: Past) => {
    const recordedOf = recordedIn(journal, since);
    const signals = createRecordedSignals(async ({ task }) =>
      (await recordedOf(toAddress(task.address))).flatMap(factsOf),
    );
    const set = loadPolicies(folder === undefined ? config.policies.dir : resolve(cwd, folder), { signals });
    if (ofJournal) stderr.write(unknownPublication(set));
    const tasks = ofJournal
      ? ofPast(journal, set, since, recordedOf)
      : await ofChain({ config, set, journal, stderr }, blocks);
    const limits = { maxPayment: config.sink.maxPayment, ceilings: config.guardrails };
    const result = await backtest(tasks, {
      ...(ofJournal && { unjudgedOf: (candidate) => countUnjudged(journal, candidate) }),
      bound: (verdict, response, caps) => withCeiling(verdict, response, limits, caps, "document"),
    });
    const shown = { ...result, rows: result.rows.map((row) => ({ ...row, reason: plain(row.reason) })) };
    stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : backtestTable(shown));
    if (options.html !== undefined) {
      const page = resolve(cwd, options.html);
      await writeNamed(page, () => writeFileSync(page, backtestPage(shown)));
    }
    return exitCodes.ok;
  };
  // To open a journal that is not there would make one, by which other commands then say that all is well.
  return (await site.exists()) ? besideDaemon(site, work) : work(noPast);
}

/** What is said of policies whose windows count from what no journal has. */
function unknownPublication({ policies }: LoadedPolicies): string {
  const names = policies.filter(({ needs }) => needs.published).map(({ name }) => name);
  if (names.length === 0) return "";
  const why = "the journal does not know when a task was published, which their windows count from";
  return `warning: tasks of ${names.join(", ")} are left out: ${why}; --from BLOCK reads them from the chain\n`;
}

type Tasks = readonly (PastTask | undefined)[];

/** What a backtest asks of a journal. */
type Past = Pick<Journal, "decisions" | "decisionsOfTask" | "leases" | "providerHistory" | "task">;

const noPast: Past = {
  decisions: async () => [],
  decisionsOfTask: async () => [],
  leases: async () => [],
  providerHistory: async (providers) =>
    new Map(providers.map((provider) => [provider, { seen: 0, approved: 0, rejected: 0, price: wei(0n) }])),
  task: async () => undefined,
};

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

type RecordedOf = (task: TaskAddress) => Promise<readonly RecordedDecision[]>;

/** What was decided of a task, oldest first. That of the last one is kept: it is asked for again, by each of its judges. */
function recordedIn(journal: Past, since: number): RecordedOf {
  let last: { readonly task: TaskAddress; readonly found: ReturnType<RecordedOf> } | undefined;
  const read: RecordedOf = async (task) => {
    const newestFirst = await journal.decisionsOfTask(task, Number.MAX_SAFE_INTEGER);
    return newestFirst.filter(({ decidedAt }) => decidedAt >= since).reverse();
  };
  return (task) => {
    if (last?.task !== task) last = { task, found: read(task) };
    return last.found;
  };
}

/** The tasks that were decided since, in the order of their first decisions. */
async function* ofPast(
  journal: Past,
  set: LoadedPolicies,
  since: number,
  recordedOf: RecordedOf,
): AsyncGenerator<PastTask | undefined> {
  const seen = new Set<TaskAddress>();
  for (let after = 0; ; ) {
    const page = await journal.decisions(since, true, { after, limit: pageLimit });
    for (const { task } of page) {
      if (seen.has(task)) continue;
      seen.add(task);
      yield* pastTasks(set, await recordedOf(task));
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageLimit) return;
    after = last.id;
  }
}

const pageLimit = 1_000;

/** Responses of a task that nobody judged: the journal knows that they came, and nothing of what they are. */
async function countUnjudged(journal: Past, { task, responses }: Candidate): Promise<number> {
  const record = await journal.task(task.address);
  return Math.max(0, (record?.responses.length ?? 0) - responses.length);
}

type Site = Pick<Context, "stderr"> & { readonly config: Config; readonly set: LoadedPolicies; readonly journal: Past };

async function ofChain({ config, set, journal, stderr }: Site, { from, to: last }: Blocks): Promise<Tasks> {
  const report = () => undefined;
  const rpc = openEndpoints(config, { random: Math.random, report });
  const chain = createChain({
    ...{ rpc, clock: steadyClock, report, socket$: EMPTY, pollIntervalMs: config.rpc.pollInterval },
    ...{ deployment: requireDeployment(config.chain.id), finality: config.chain.finality },
  });
  const { number } = await chain.head();
  const to = last ?? number;
  if (from > to) throw usage(`--from ${from} is above the head, which is ${number}`);
  const payload = patiently(createPayload(config.payload));
  const isWatched = await watchedSources({ chain, journal }, config);
  if (isWatched === undefined) stderr.write(nobodysTasks);
  return chainTasks({ chain, journal, payload, isWatched: isWatched ?? (async () => true) }, set, { from, to });
}

const nobodysTasks =
  "warning: neither watch.sources, watch.clients nor the journal says whose tasks are this daemon's: " +
  "everybody's that a policy matches are counted\n";

/** @param to The head, where it is missing. */
type Blocks = { readonly from: bigint; readonly to: bigint | undefined };

function blocksOf(options: CommandOptions): Blocks | undefined {
  if (options.from === undefined) {
    if (options.to !== undefined) throw usage("--to is the last block of a range: write --from too");
    return undefined;
  }
  const from = blockOf("from", options.from);
  const to = options.to === undefined ? undefined : blockOf("to", options.to);
  if (to !== undefined && from > to) throw usage(`--from ${from} is above --to ${to}: give the lower block first`);
  return { from, to };
}

function blockOf(name: string, text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw usage(`--${name} is a block number, not "${text}"`);
  return BigInt(text);
}
