import { randomBytes } from "node:crypto";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { assemble } from "../src/assemble.ts";
import { openEndpoints } from "../src/cli/openEndpoints.ts";
import { watchPolicies } from "../src/cli/watchPolicies.ts";
import { systemClock } from "../src/clock.ts";
import { loadConfig } from "../src/config/loadConfig.ts";
import { openSqliteJournal } from "../src/journal/sqliteJournal.ts";
import { cron$ } from "../src/ops/cronSchedule.ts";
import { createLogger } from "../src/ops/logger.ts";
import { createObservers } from "../src/ops/observers.ts";
import { startOperatorServer } from "../src/ops/operatorServer.ts";
import { createScrubber } from "../src/ops/scrub.ts";
import { createWorkerEvaluator } from "../src/policy/worker/workerEvaluator.ts";
import { privateKeySigner } from "../src/signer/privateKeySigner.ts";
import { readVersion } from "../src/version.ts";
import { createLiveView } from "./demo/liveView.ts";
import { type DemoOptions, demoHelp, readDemoOptions } from "./demo/options.ts";
import { createDiaries, isOver, readOutcome } from "./demo/outcome.ts";
import { outcomeTable, sumsOf } from "./demo/outcomeTable.ts";
import { scenarios } from "./demo/scenarios.ts";
import { type Act, openStage } from "./demo/stage.ts";
import { startDevnet } from "./index.ts";

const decimal = (_key: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
const blockSeconds = 0.5;
const pauseMs = 400;
/** With `--exit`: how long after the last task's cast has finished an outcome may take. */
const patienceMs = 45_000;

/** Plays the scenarios on a chain of its own and lets the daemon pay. Answers whether all ended as they should. */
async function demo({ tasks, exit, report: reportFile }: DemoOptions, stopping: AbortSignal): Promise<boolean> {
  const write = (text: string) => void process.stdout.write(text);
  write("Starting the chain, the contracts, the gateway and the providers …\n");
  const directory = mkdtempSync(join(tmpdir(), "ogpu-demo-"));
  const cast = scenarios.reduce((sum, each) => sum + each.cast.length, 0);
  const devnet = await startDevnet({ blockTime: blockSeconds, providers: cast });
  try {
    const stage = await openStage(devnet);
    const view = createLiveView(write, process.stdout.isTTY === true);
    const diaries = createDiaries();
    const { config } = loadConfig({
      flags: {
        network: "devnet",
        "rpc-http": devnet.rpc.http,
        "rpc-ws": devnet.rpc.ws,
        "payload-allow-hosts": [devnet.gateway.url, devnet.gateway.deadUrl].map((url) => new URL(url).host).join(","),
        "payload-gateways": devnet.gateway.url,
        "policies-dir": join(import.meta.dirname, "demo", "policies"),
        "journal-path": join(directory, "journal.sqlite"),
        "http-port": "0",
      },
      env: {},
      cwd: directory,
    });
    const journal = openSqliteJournal({ path: config.journal.path, chainId: config.chain.id });
    const logger = createLogger({ level: "silent", format: "json", isTTY: false, destination: { write: () => {} } });
    const signer = privateKeySigner(devnet.accounts.agent.privateKey);
    const observers = createObservers({
      config,
      ...{ version: readVersion(), nodeVersion: process.version, keys: [signer.address], clock: systemClock, logger },
      listeners: [diaries.note, view.show],
    });
    const { report } = observers;
    const rpc = openEndpoints(config, { random: Math.random, report });
    const evaluator = createWorkerEvaluator({ onKilled: (reason) => report({ type: "evaluation-killed", reason }) });
    const policies = await watchPolicies({ env: {} }, config.policies.dir, evaluator, rpc, report);
    const daemon = assemble({
      config,
      deployment: devnet.deployment,
      ...{ rpc, journal, policies, signers: [signer] },
      clock: systemClock,
      random: Math.random,
      report,
      sweepTicks$: cron$(config.sweep.cron),
    });
    const token = randomBytes(24).toString("base64url");
    const page = await startOperatorServer({
      ...{ config, version: readVersion(), logger, observers, rpc, policies, signers: [signer] },
      scrub: createScrubber([devnet.accounts.agent.privateKey]),
      livez: () => ({ ok: daemon.isRunning() }),
      clock: systemClock,
    });
    daemon.start();
    await page.show({ journal, ledger: daemon.ledger, token });
    write(`The operator's page, with its token: http://127.0.0.1:${page.port}/#token=${token}\n`);
    write(
      `Chain ${devnet.chainId} at ${devnet.rpc.http}, policies in ${config.policies.dir}: edit them while it runs\n\n`,
    );

    const acts: Act[] = [];
    for (let number = 1; number <= tasks && !stopping.aborted; number++) {
      const act = await stage.play(number);
      acts.push(act);
      view.published(act);
      await sleep(pauseMs);
    }
    if (exit) await untilOver();
    else await untilStopped();

    async function untilOver(): Promise<void> {
      await Promise.all(acts.map(({ played }) => played));
      const deadline = Date.now() + patienceMs;
      while (Date.now() < deadline && !stopping.aborted) {
        if (acts.every((act) => isOver(act, diaries.of(act.task)))) return;
        await sleep(100);
      }
    }
    async function untilStopped(): Promise<void> {
      if (stopping.aborted) return;
      write("All tasks are published; Ctrl-C ends the demo.\n");
      await new Promise((resolve) => stopping.addEventListener("abort", resolve));
    }

    daemon.stop();
    await Promise.race([daemon.ended, sleep(10_000).then(daemon.abort)]);
    page.leave();
    await page.stop();
    await evaluator.close();
    await journal.close();
    const outcomes = await Promise.all(acts.map((act) => readOutcome(devnet, act, diaries.of(act.task))));
    write(`\n${outcomeTable(outcomes)}`);
    if (reportFile !== undefined) {
      writeFileSync(reportFile, `${JSON.stringify({ sums: sumsOf(outcomes), tasks: outcomes }, decimal, 2)}\n`);
      write(`Report: ${reportFile}\n`);
    }
    return outcomes.every(({ asExpected }) => asExpected);
  } finally {
    await devnet.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function requireWritable(file: string): void {
  try {
    closeSync(openSync(file, "a"));
  } catch (error) {
    throw new TypeError(`--report: ${file} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}

try {
  const options = readDemoOptions(process.argv.slice(2));
  if (options === "help") process.stdout.write(demoHelp);
  else {
    const stopping = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());
    // Whoever has gone sees no more of it.
    process.stdout.on("error", () => stopping.abort());
    if (options.report !== undefined) requireWritable(options.report);
    const good = await demo(options, stopping.signal);
    process.exit(good || !options.exit ? 0 : 1);
  }
} catch (error) {
  process.stderr.write(`${error instanceof TypeError ? `${error.message}\n${demoHelp}` : (error as Error).stack}\n`);
  process.exit(1);
}
