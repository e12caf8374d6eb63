import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseEther } from "viem";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { startAnvil } from "../../devnet/anvil.ts";
import { dieWithParent } from "../../devnet/dieWithParent.ts";
import { startDevnet } from "../../devnet/index.ts";
import { calls } from "../../src/client/calls.ts";
import { createHome } from "../../test/support/daemonProcess.ts";
import { daemonEnv, daemonFlags } from "../harness/child.ts";
import { describeMachine } from "../harness/machine.ts";
import { startFeed } from "./feed.ts";
import { type Memory, readMemory, type Sample, takeSample } from "./sample.ts";
import { isFlat, type Trend, trendOf } from "./trend.ts";

const usage = `Usage: npm run soak -- [--minutes N] [--rate R] [--json FILE]

Runs the daemon's real process on a devnet of its own under a steady load, and tells whether memory, event loop, sockets and
files stay where they are.

  --minutes N  how long (default 30), after a third of that to warm up, which counts for nothing
  --rate R     responses a second, 20 to 300 (default 200); each task gets twenty, of which one is right and paid
  --json FILE  writes every sample and the result there

Fails where something grows, or where the daemon does not keep up.
`;
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    rate: { type: "string", default: "200" },
    json: { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});
const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
if (values.help || !(minutes > 0 && minutes <= 600) || !(rate >= 20 && rate <= 300)) {
  process.stdout.write(usage);
  process.exit(values.help ? 0 : 78);
}

/** Minutes: until then caches fill, and code is compiled. */
const warmUp = minutes / 3;
const providerCount = 20;
const sampleEveryMs = 5_000;
const mebi = 1024 ** 2;
/** What may drift in an hour: MiB of a busy heap, ms, files. */
const tolerance = 10;
/** Of the responses, so many have a verdict at the end: when one is paid, those after it need none. */
const leastJudged = 0.8;
const signed = (figure: number) => `${figure >= 0 ? "+" : ""}${figure.toFixed(1)}`;
const say = (text: string) => void process.stdout.write(`${text}\n`);

const policy = `
apiVersion: ogpu-confirmd/v1
name: soak
mode: enforce
output: { schema: schemas/sentiment.json, maxBytes: 64KiB, timeout: 5s }
strategy: first
eligible: output.valid && response.payment <= task.payment.percent(90)
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address ? address.port : 0;
}

// An orderly end, at which what was started ends, too.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

// Each response is a contract, and a block costs anvil the hash of all that there are: after half an hour that takes seconds.
// A fork, be it of an empty chain, does without; and no state of a past block is kept, of which anvil would make a copy.
const origin = await startAnvil();
const devnet = await startDevnet({
  blockTime: 2,
  providers: providerCount,
  anvilArgs: [
    ...["--fork-url", origin.httpUrl, "--no-storage-caching"],
    ...["--gas-limit", "20000000000", "--prune-history", "--transaction-block-keeper", "300"],
  ],
});
const port = await freePort();
const home = createHome(devnet, {
  rpc: { ...devnet.rpc, pollInterval: "500ms" },
  http: { port },
  sink: { maxInFlight: 128, maxPayment: "1 OGPU" },
  guardrails: { perHour: "none", perDay: "none", perProviderHour: "none", gasPerDay: "none" },
  // Full before the warm-up is over: until a cache is, memory grows as it is meant to.
  payload: { cacheSize: "64MiB" },
  log: { level: "warn", format: "json" },
});
let stopAll = async () => {
  await devnet.stop();
  await origin.stop();
  home.remove();
};
try {
  home.writePolicy("first-valid.yaml", policy);
  await devnet.client.deposit(parseEther("500000"));
  const source = await devnet.client.publishSource();
  const config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
  const providers = Array.from({ length: providerCount }, () => devnet.createProvider(behaviours.honest()));
  await Promise.all(providers.map((provider) => provider.enrol(source)));

  const main = join(import.meta.dirname, "../../src/main.ts");
  const daemon = spawn(process.execPath, [...daemonFlags, main, "run", "--config", home.configFile], {
    cwd: home.directory,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: "production",
      ...daemonEnv,
      AGENT_PRIVATE_KEY: devnet.accounts.agent.privateKey,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  dieWithParent(daemon);
  let warnings = 0;
  let lastWarning = "";
  daemon.stdout.on("data", (chunk: Buffer) => {
    const lines = String(chunk).trim().split("\n");
    warnings += lines.length;
    lastWarning = lines.at(-1)?.slice(0, 300) ?? "";
  });
  const url = `http://127.0.0.1:${port}`;
  for (let ready = false; !ready; ) {
    if (daemon.exitCode !== null) throw new Error(`the daemon ended: ${lastWarning}`);
    ready = await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  const lifetime = BigInt(Math.ceil((warmUp + minutes) * 60) + 7_200);
  const { timestamp } = await devnet.publicClient.getBlock();
  const order = { source, config, expiryTime: timestamp + lifetime, payment: parseEther("0.001") };
  const feed = await startFeed(devnet, {
    source,
    rate,
    providers: providers.map(({ address }) => address),
    publish: (count) => Array.from({ length: Math.max(0, count) }, () => calls.publishTask(devnet.deployment, order)),
  });
  stopAll = async () => {
    await feed.stop().catch(() => undefined);
    await devnet.stop();
    await origin.stop();
    home.remove();
  };

  const samples: Sample[] = [];
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1_000;
  while (elapsed() < (warmUp + minutes) * 60) {
    const pid = daemon.pid ?? 0;
    const memory: Memory[] = [];
    do {
      await Promise.race([feed.ended, new Promise((resolve) => setTimeout(resolve, sampleEveryMs / 10))]);
      memory.push(readMemory(pid));
    } while (memory.length < 10);
    const sample = await takeSample({ pid, url, journalPath: home.journalPath }, elapsed(), memory);
    samples.push(sample);
    if (samples.length % 6 === 0)
      say(
        `${sample.seconds.toFixed(0).padStart(5)} s  ${(sample.resident / mebi).toFixed(1)} MiB  ${feed.submitted()} responses, ${sample.verdicts} verdicts, ${sample.final} paid finally, ${sample.openFiles} files`,
      );
  }
  const seconds = elapsed();
  const submitted = feed.submitted();
  await feed.stop();
  const exited = once(daemon, "exit");
  daemon.kill("SIGTERM");
  const [exitCode] = await exited;

  const steady = samples.filter((sample) => sample.seconds > warmUp * 60);
  const trend = (read: (sample: Sample) => number): Trend =>
    trendOf(steady.map((sample) => ({ seconds: sample.seconds, value: read(sample) })));
  const trends = {
    "resident memory, MiB": trend(({ resident }) => resident / mebi),
    "of no file, MiB": trend(({ anonymous }) => anonymous / mebi),
    "heap taken, MiB": trend(({ heapTotal }) => heapTotal / mebi),
    "heap used, MiB": trend(({ heapUsed }) => heapUsed / mebi),
    "external memory, MiB": trend(({ external }) => external / mebi),
    "event loop lag p99, ms": trend(({ lagP99 }) => lagP99 * 1_000),
    "open files": trend(({ openFiles }) => openFiles),
    "open sockets": trend(({ openSockets }) => openSockets),
    "journal on disk, MiB": trend(({ journal }) => journal / mebi),
  };
  const last = samples.at(-1);
  say(
    `\n${submitted} responses in ${seconds.toFixed(0)} s: ${(submitted / seconds).toFixed(1)} a second (asked for ${rate})`,
  );
  say(
    `${last?.verdicts} verdicts, ${last?.final} paid finally; ${warnings} warnings${lastWarning && `, the last: ${lastWarning}`}`,
  );
  const peak = Math.max(...samples.map(({ residentPeak }) => residentPeak));
  say(`resident memory at its highest: ${(peak / mebi).toFixed(0)} MiB`);
  say(`exit code after SIGTERM: ${exitCode}\n`);
  const keptUp = (last?.verdicts ?? 0) >= leastJudged * submitted;
  if (!keptUp) say("the daemon did not keep up with the load\n");
  let failed = !keptUp || exitCode !== 0;
  for (const [name, trend] of Object.entries(trends)) {
    const { mean, min, max, perHour, atLeast, atMost } = trend;
    const verdict = name.startsWith("journal") ? "grows with what it keeps" : isFlat(trend, tolerance);
    failed ||= verdict === "grows";
    say(
      `${name.padEnd(24)} mean ${mean.toFixed(1)}, ${min.toFixed(1)} to ${max.toFixed(1)}; ${signed(perHour)} an hour (${signed(atLeast)} to ${signed(atMost)}): ${verdict}`,
    );
  }
  if (values.json !== undefined) {
    const record = {
      at: new Date().toISOString(),
      machine: describeMachine(),
      minutes,
      warmUp,
      rate,
      submitted,
      seconds,
      exitCode,
      warnings,
      trends,
      samples,
    };
    writeFileSync(values.json, `${JSON.stringify(record, null, 2)}\n`);
  }
  process.exitCode = failed ? 1 : 0;
} finally {
  await stopAll();
}
process.exit();
