import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { EMPTY } from "rxjs";
import { createChain } from "../chain/createChain.ts";
import { systemClock } from "../clock.ts";
import { loadConfig } from "../config/loadConfig.ts";
import type { Config } from "../config/schema.ts";
import { exitCodes } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import { openSqliteJournal } from "../journal/sqliteJournal.ts";
import { createPayload } from "../payload/createPayload.ts";
import { type LoadedPolicies, loadPolicies } from "../policy/loadPolicies.ts";
import { backtest, type PastTask } from "../policy/tools/backtest.ts";
import { backtestPage, backtestTable } from "../policy/tools/backtestReport.ts";
import { pastTasks } from "../policy/tools/pastTasks.ts";
import { chainTasks } from "./chainTasks.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { CommandOptions } from "./commandOptions.ts";
import type { Context } from "./context.ts";
import { openEndpoints } from "./openEndpoints.ts";
import { requireDeployment } from "./requireDeployment.ts";

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
  const set = loadPolicies(folder === undefined ? config.policies.dir : resolve(cwd, folder));
  const journal = openSqliteJournal({ path: config.journal.path, chainId: config.chain.id, shared: true });
  try {
    const tasks = await (options.from === undefined ? ofJournal : ofChain)(config, set, journal, options);
    const result = await backtest(tasks);
    stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : backtestTable(result));
    if (options.html !== undefined) writeFileSync(resolve(cwd, options.html), backtestPage(result));
    return exitCodes.ok;
  } finally {
    await journal.close();
  }
}

type Tasks = readonly (PastTask | undefined)[];

async function ofJournal(
  _config: Config,
  set: LoadedPolicies,
  journal: Journal,
  { since }: CommandOptions,
): Promise<Tasks> {
  const at = since === undefined ? 0 : Date.parse(since);
  if (Number.isNaN(at)) throw usage(`--since is a date such as 2026-01-31, not "${since}"`);
  return pastTasks(set, await journal.decisions(at));
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
