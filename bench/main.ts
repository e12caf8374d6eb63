import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { backfill } from "./backfill/backfill.ts";
import { firehose } from "./firehose/firehose.ts";
import type { Benchmark, Outcome } from "./harness/benchmark.ts";
import { pinning } from "./harness/child.ts";
import { describeMachine, type Machine } from "./harness/machine.ts";
import { formatTable } from "./harness/table.ts";
import { latency } from "./latency/latency.ts";
import { policy } from "./policy/policy.ts";
import { recovery } from "./recovery/recovery.ts";
import { signing } from "./signing/signing.ts";
import { sink } from "./sink/sink.ts";
import { tracking } from "./tracking/tracking.ts";

const benchmarks: readonly Benchmark[] = [firehose, backfill, tracking, policy, signing, sink, latency, recovery];

const usage = `Usage: npm run bench -- NAME [--rounds N] [--json FILE]

${benchmarks.map(({ name, what }) => `  ${name.padEnd(10)} ${what}`).join("\n")}

  --rounds N   how often each contender is measured; the median counts (default 5)
  --json FILE  writes the result there too
`;

const pinningOf = (isPinned = true): string => (isPinned ? pinning : "no process is kept on a core");

/** The result as other programs read it: the headline's figures, and everything else under \`detail\`. */
function toRecord({ name, isPinned }: Benchmark, { rows, goals, detail }: Outcome, machine: Machine) {
  const [{ unit, ours, peer = null, limit = null }] = rows;
  const over = (other: number | null) => (other === null ? null : ours / other);
  return {
    name,
    unit,
    ours,
    peer,
    limit,
    oursOverPeer: over(peer),
    oursOverLimit: over(limit),
    detail: { at: new Date().toISOString(), machine, pinning: pinningOf(isPinned), rows, goals, ...detail },
  };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "5" }, json: { type: "string" }, help: { type: "boolean" } },
});
const benchmark = benchmarks.find(({ name }) => name === positionals[0]);
const rounds = Number(values.rounds);
if (benchmark === undefined || !Number.isInteger(rounds) || rounds < 1) {
  (values.help ? process.stdout : process.stderr).write(usage);
  process.exit(values.help ? 0 : 64);
}

const machine = describeMachine();
const { cpu, cores, memoryGiB, node, load } = machine;
const log = (line: string) => void process.stderr.write(`${line}\n`);
log(`${benchmark.name}: ${benchmark.what}`);
log(`${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}; load ${load.join(" ")}; ${pinningOf(benchmark.isPinned)}`);
const outcome = await benchmark.run({ rounds, log });
process.stdout.write(`\n${formatTable(outcome.rows, outcome.goals)}\n`);
log(
  `median of ${rounds} rounds, the contenders taking turns; load before ${load[0]}, after ${describeMachine().load[0]}`,
);
if (values.json !== undefined) {
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify(toRecord(benchmark, outcome, machine), null, 2)}\n`);
}
process.exit(0);
