import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { toHead, type WireBlock } from "../chain/wire.ts";
import { systemClock } from "../clock.ts";
import { type Config, schema } from "../config/schema.ts";
import { ConfigError, exitCodes } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import { placeWhole } from "../journal/placeWhole.ts";
import type { RecordedDecision } from "../journal/policyJournal.ts";
import { clockDoubt } from "../ops/housekeeping/clockDoubt.ts";
import { pruneJournal } from "../ops/housekeeping/pruneJournal.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed } from "../protocol/brand.ts";
import { mayGoOn } from "./ask.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";
import { openEndpoints } from "./openEndpoints.ts";
import { during } from "./progress.ts";
import { askedUrls } from "./scrubOutputs.ts";
import { json, table } from "./terminal.ts";
import { namedJournal, withJournal } from "./withJournal.ts";
import { writeNamed } from "./writeNamed.ts";

/** Exports, copies, prunes and verifies the journal. @returns the exit code: 1 where something is wrong with it. */
export async function journal(context: Context, line: Line): Promise<number> {
  switch (line.args[0]) {
    case "export":
      return exportJournal(context, line);
    case "prune":
      return prune(context, line);
    case "verify":
      return verify(context, line);
    default:
      throw usage('write "journal export", "journal prune" or "journal verify"');
  }
}

const exportJournal = (context: Context, line: Line): Promise<number> =>
  withJournal(context, line, async (opened) => {
    const [, file] = line.args;
    if (file !== undefined) {
      if (line.options.since !== undefined)
        throw usage("a copy is whole: --since is for what is printed, without a file");
      const target = resolve(context.cwd, file);
      const refuseOther = () => {
        if (existsSync(target)) throw usage(`${target} exists already`);
      };
      refuseOther();
      const copying = placeWhole(target, `${target}.${randomUUID().slice(0, 8)}.part`, async (part) => {
        await opened.backup(part);
        // A large one takes a while, and somebody may have come first.
        refuseOther();
      });
      await writeNamed(target, () => during(context, "copying the journal", copying));
      context.stdout.write(`copied to ${target}\n`);
      return exitCodes.ok;
    }
    const since = line.options.since === undefined ? 0 : Date.parse(line.options.since);
    if (Number.isNaN(since)) throw usage(`--since is a date such as 2026-01-31, not "${line.options.since}"`);
    for await (const decision of decisionsOf(context, opened, since)) {
      const { id, decidedAt, kind, mode, reason, policy, policyDigest, task, response, provider, payment } = decision;
      const { block, payloadDigest, factsDigest, factsJson, transaction, confirmation } = decision;
      const row = {
        ...{ id, decidedAt: new Date(decidedAt).toISOString(), kind, mode, reason, policy, policyDigest },
        ...{ task: checksummed(task), response: checksummed(response) },
        provider: provider && checksummed(provider),
        price: formatOgpu(payment),
        block: Number(block.number),
        ...{ payloadDigest, factsDigest, confirmation: confirmation ?? null, transaction: transaction ?? null },
        facts: factsJson === "" ? null : JSON.parse(factsJson),
      };
      context.stdout.write(`${JSON.stringify(row)}\n`);
    }
    return exitCodes.ok;
  });

/** Page by page: a large journal has more than fits in memory. */
async function* decisionsOf(context: Context, opened: Journal, since: number): AsyncGenerator<RecordedDecision> {
  const limit = 1_000;
  for (let after = 0; ; ) {
    const page = await during(context, "reading the journal", opened.decisions(since, false, { after, limit }));
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < limit) return;
    after = last.id;
  }
}

const prune = (context: Context, line: Line): Promise<number> =>
  withJournal(context, line, async (opened, { config }) => {
    const age = line.options["older-than"];
    if (age === undefined) throw usage("say how old: --older-than 90d");
    const keepMs = ageOf(age);
    context.hide([], askedUrls(config));
    await during(context, "reading the chain", requireClock(config));
    const plan = `forget the details of tasks that were settled more than ${age} ago; that they are settled stays known\n`;
    if (!(await mayGoOn(context, line, plan, "nothing was pruned"))) return exitCodes.failed;
    const pruned = await during(context, "pruning", pruneJournal(opened, keepMs, Date.now()));
    context.stdout.write(line.options.json ? json({ pruned }) : `pruned ${pruned} tasks\n`);
    return exitCodes.ok;
  });

/** By the clock it is told what is old. @throws ConfigError `CLOCK_WRONG`; RetryableError where no endpoint tells the chain's time. */
async function requireClock(config: Config): Promise<void> {
  const rpc = openEndpoints(config, { random: Math.random, report: () => undefined });
  const { timestamp } = toHead(await rpc.call<WireBlock>("eth_getBlockByNumber", "latest", false));
  const doubt = clockDoubt(systemClock.now(), Number(timestamp) * 1_000);
  if (doubt === undefined) return;
  throw new ConfigError(`${doubt} (${rpc.name}): nothing was pruned`, {
    code: "CLOCK_WRONG",
    remedy: "set the machine's clock (`timedatectl`), or see whether that endpoint hangs behind",
  });
}

/** The daemon's own bounds: ceilings and reorgs reach back into what is newer. */
function ageOf(text: string): number {
  const { reads } = schema.housekeeping.pruneAfter;
  try {
    return reads.parse(text);
  } catch {
    throw usage(`--older-than is ${reads.expects}, not "${text}"`);
  }
}

async function verify(context: Context, line: Line): Promise<number> {
  const { site } = await namedJournal(context, line);
  const checks = await during(context, "verifying the journal", site.verify());
  const problems = checks.flatMap((check) => check.problems);
  if (line.options.json) context.stdout.write(json({ path: site.name, ok: problems.length === 0, checks }));
  else {
    const rows = checks.map(({ name, looked, problems: found }) => [
      name,
      String(looked),
      found.length === 0
        ? { text: "ok", style: "green" as const }
        : { text: `${found.length} wrong`, style: "red" as const },
    ]);
    context.stdout.write(table(context, ["WHAT", "LOOKED AT", "FOUND"], rows));
    for (const problem of problems) context.stdout.write(`${problem}\n`);
  }
  return problems.length === 0 ? exitCodes.ok : exitCodes.failed;
}
