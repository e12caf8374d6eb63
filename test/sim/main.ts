import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Focus, focuses } from "./faults.ts";
import { cleanUp } from "./home.ts";
import { plants } from "./plants.ts";
import { runSeeds } from "./runSeeds.ts";
import { shrink } from "./shrink.ts";
import { type SimulationResult, simulate } from "./simulate.ts";

const usage = `usage: npm run sim -- [--seeds N] [--from K] [--workers N] [--focus ${focuses.join("|")}] [--steps M] [--json FILE]
       npm run sim -- --seed K [--focus …] [--fault-limit I]     replays one seed, and shows what happened
       npm run sim -- --plant NAME …                             plants a bug: ${Object.keys(plants).join(", ")}`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    seed: { type: "string" },
    from: { type: "string", default: "1" },
    focus: { type: "string", default: "all" },
    steps: { type: "string" },
    json: { type: "string" },
    plant: { type: "string" },
    workers: { type: "string", default: "2" },
    "fault-limit": { type: "string" },
    "stop-at-first": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${name} is a whole number, not "${text}"`);
  process.exit(2);
}

const focus = values.focus as Focus;
const isKnown = focuses.includes(focus) && (values.plant === undefined || values.plant in plants);
if (values.help || !isKnown) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}

const options = {
  focus,
  plant: values.plant,
  maxSteps: values.steps === undefined ? undefined : wholeNumber("steps", values.steps),
  faultLimit: values["fault-limit"] === undefined ? undefined : wholeNumber("fault-limit", values["fault-limit"]),
};

/** The command that runs one seed again, as it was. */
const commandOf = (seed: number, faultLimit?: number): string =>
  [
    `npm run sim -- --seed ${seed} --focus ${focus}`,
    options.plant === undefined ? "" : `--plant ${options.plant}`,
    options.maxSteps === undefined ? "" : `--steps ${options.maxSteps}`,
    faultLimit === undefined ? "" : `--fault-limit ${faultLimit}`,
  ]
    .filter(Boolean)
    .join(" ");

async function replay(seed: number): Promise<number> {
  const result = await simulate({ ...options, seed, keepLines: 20_000 });
  console.log(result.lines.join("\n"));
  console.log(`seed ${seed}: ${JSON.stringify(result.counts)}`);
  console.log(`seed ${seed}: ${result.steps} events, trace ${result.traceHash.slice(0, 16)}`);
  if (result.violation) console.log(`seed ${seed}: ${result.violation.invariant}: ${result.violation.what}`);
  return result.violation ? 1 : 0;
}

async function runAll(seeds: number): Promise<number> {
  const started = performance.now();
  const failed: SimulationResult[] = [];
  const counts: Record<string, number> = {};
  let done = 0;
  const progress = () => {
    if (!process.stderr.isTTY) return;
    const perSecond = (done / (performance.now() - started)) * 1000;
    process.stderr.write(`\r${done}/${seeds} seeds, ${failed.length} violations, ${perSecond.toFixed(1)} seeds/s `);
  };
  await runSeeds({
    ...options,
    from: wholeNumber("from", values.from),
    seeds,
    workers: Math.max(1, wholeNumber("workers", values.workers)),
    stopAtFirst: values["stop-at-first"],
    onResult: (result) => {
      done++;
      if (result.violation) failed.push(result);
      for (const [name, times] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + times;
      progress();
    },
  });
  if (process.stderr.isTTY) process.stderr.write("\n");
  failed.sort((a, b) => a.seed - b.seed);
  const [first] = failed;
  if (first) await explain(first);
  const seconds = (performance.now() - started) / 1000;
  const failingSeeds = failed.map(({ seed }) => seed);
  console.log(
    `${done} seeds, ${failed.length} violations, ${seconds.toFixed(1)} s; ` +
      `${counts.broadcast ?? 0} broadcasts, ${counts.crash ?? 0} crashes, ${counts.reorg ?? 0} reorgs`,
  );
  for (const { seed, violation } of failed.slice(0, 20))
    console.log(`  ${commandOf(seed)}   # ${violation?.invariant}`);
  const summary = JSON.stringify({ seeds: done, violations: failed.length, failingSeeds });
  console.log(summary);
  if (values.json) writeFileSync(values.json, `${summary}\n`);
  return failed.length > 0 ? 1 : 0;
}

/** Shows the first failure, with as few faults as still make it fail. */
async function explain(failed: SimulationResult): Promise<void> {
  const { seed, violation } = failed;
  const { faultLimit, result } = await shrink({ ...options, seed }, failed);
  console.log(`seed ${seed} violates ${violation?.invariant}: ${violation?.what}`);
  console.log(result.lines.slice(-60).join("\n"));
  console.log(`replay:   ${commandOf(seed)}`);
  console.log(`shortest: ${commandOf(seed, faultLimit)}`);
}

const code = await (values.seed === undefined
  ? runAll(wholeNumber("seeds", values.seeds))
  : replay(wholeNumber("seed", values.seed)));
cleanUp();
process.exitCode = code;
