import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";

const usage = `usage: npm run chaos -- [--kills N] [--tasks N] [--seed K] [--postgres] [--standby] [--endpoints N] [--json FILE]
  Kills the daemon's process N times (default 200) while it pays N tasks (default 500) on a real node, with foreign
  transactions from its key, dear blocks, dropped transactions and reorgs in between; exits with 0 only if each task was
  paid once, no nonce is left open and nothing is pending. With --postgres the journal is in PostgreSQL, whose server
  crashes every few seconds beside. With --standby a second daemon waits for that journal, and the one that works is
  killed, stopped for a moment, or cut off and woken while the other is at work; the server crashes in takeovers only.
  With --endpoints the daemon is given N of them before the node, one of which at a time refuses, hangs, answers late,
  loses transactions, hangs behind or has no receipts.
`;

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    tasks: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    postgres: { type: "boolean", default: false },
    standby: { type: "boolean", default: false },
    endpoints: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

function wholeNumber(name: "kills" | "tasks" | "seed" | "endpoints"): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  process.stderr.write(`--${name} is a whole number above 0, not "${values[name]}"\n${usage}`);
  process.exit(64);
}

if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const started = performance.now();
const log = (line: string) => {
  const seconds = (performance.now() - started) / 1_000;
  process.stderr.write(`${seconds.toFixed(1).padStart(7)} s  ${line}\n`);
};
const options = { kills: wholeNumber("kills"), tasks: wholeNumber("tasks"), seed: wholeNumber("seed") };
const endpoints = values.endpoints === undefined ? 0 : wholeNumber("endpoints");
const { postgres, standby } = values;
if (standby && !postgres) {
  process.stderr.write(`--standby goes with --postgres\n${usage}`);
  process.exit(64);
}
const result = await runChaos({ ...options, postgres, standby, endpoints, log });
const { violations, faults, killedWhile, mined, replaced, tasksPaidOnce, seconds } = result;
process.stdout.write(
  [
    `${result.kills} ${standby ? "strikes" : "kills"} (${describe(killedWhile)})`,
    ...(result.strikes ? [`with a standby: ${describe(result.strikes)}`] : []),
    `faults: ${describe(faults)}${postgres && !standby ? `, ${result.serverCrashes} crashes of the journal's server` : ""}`,
    ...(result.ailments ? [`${endpoints} endpoints: ${describe(result.ailments)}`] : []),
    `${tasksPaidOnce} of ${result.tasks} tasks paid once; ${mined.ours} transactions of ours mined, ${mined.confirmations} of them confirmations, ${mined.foreign} foreign ones`,
    `${replaced.confirmations} confirmations were offered more for, ${replaced.mostAttempts} offers at the most`,
    `${violations.length} violations, ${seconds} s, seed ${result.seed}`,
    ...violations.slice(0, 20).map((each) => `  ${each}`),
    "",
  ].join("\n"),
);
if (values.json !== undefined) {
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
}
process.exit(violations.length > 0 ? 1 : 0);

function describe(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}
