import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { assemble } from "../assemble.ts";
import { balanceOf, probe } from "../chain/probe.ts";
import { steadyClock, systemClock } from "../clock.ts";
import type { LoadedConfig } from "../config/loadConfig.ts";
import { maskedConfig } from "../config/maskedConfig.ts";
import type { Config } from "../config/schema.ts";
import { BaseError, ConfigError, exitCodes, type FatalError, RetryableError } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import { stalled } from "../ops/alerts/ownAlerts.ts";
import { cron$ } from "../ops/cronSchedule.ts";
import { createHeapRoom } from "../ops/heapRoom.ts";
import { housekeepingJobs } from "../ops/housekeeping/jobs.ts";
import { startHousekeeping } from "../ops/housekeeping/startHousekeeping.ts";
import { isTokenNamed, type PageToken, readPageToken } from "../ops/http/pageToken.ts";
import { createLogger, type Logger } from "../ops/logger.ts";
import { showJobs } from "../ops/metrics/showJobs.ts";
import { createObservers } from "../ops/observers.ts";
import { startOperatorServer } from "../ops/operatorServer.ts";
import { createScrubber, type Scrub } from "../ops/scrub.ts";
import { createShutdown, type Shutdown } from "../ops/shutdown.ts";
import { whyBehind } from "../ops/vitals.ts";
import { createNearEvaluator } from "../policy/nearEvaluator.ts";
import { createWorkerEvaluator } from "../policy/worker/workerEvaluator.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed, wei } from "../protocol/brand.ts";
import type { Deployment } from "../protocol/chains.ts";
import { type OpenSigners, openSigners, readSignerParts } from "../signer/openSigners.ts";
import type { Signer } from "../signer/signerPort.ts";
import { dayMs } from "../sink/guardrails/caps.ts";
import { pausePaying, resumePaying } from "../sink/guardrails/pausing.ts";
import { readVersion } from "../version.ts";
import type { Context } from "./context.ts";
import { createEnding, type Ending } from "./ending.ts";
import { type JournalSite, journalSite } from "./journalSite.ts";
import { type OpenAlerts, openAlerts } from "./openAlerts.ts";
import { openEndpoints } from "./openEndpoints.ts";
import { openSupervisor } from "./openSupervisor.ts";
import { probeAtStart } from "./probeAtStart.ts";
import { readWebhook } from "./readWebhook.ts";
import { requireDeployment } from "./requireDeployment.ts";
import { nothingWatched } from "./watchedSources.ts";
import { watchPolicies } from "./watchPolicies.ts";

/**
 * The daemon's life: everything that can be wrong is checked before anything is written; then it runs until a signal.
 * @returns the exit code.
 */
export async function run(context: Context, { config, origins, warnings }: LoadedConfig): Promise<number> {
  const { env, cwd } = context;
  const parts = readSignerParts({ config, origins, env, cwd });
  const isNamed = isTokenNamed(origins);
  const page = readPageToken({ tokenFile: config.http.tokenFile, isNamed, credentials: env.CREDENTIALS_DIRECTORY });
  const site = journalSite(config, { env, cwd });
  const secrets = [...parts.secrets, ...site.secrets, ...(page.token === undefined ? [] : [page.token])];
  const webhook = readWebhook(config.alerts, env);
  const hooks = webhook.url === undefined ? [] : [webhook.url];
  const urls = [...config.rpc.http, ...config.rpc.ws, ...config.payload.gateways, ...hooks];
  const logger = createLogger({
    ...config.log,
    destination: context.stdout,
    isTTY: context.isTTY,
    secrets,
    urls,
  });
  for (const warning of [...warnings, ...parts.warnings, ...site.warnings, ...page.warnings, ...webhook.warnings])
    logger.warn(warning);
  if (parts.keys.length === 0 && !parts.remote && !config.sink.dryRun) throw noKey;
  let opened: OpenSigners | undefined;
  let alerts: OpenAlerts | undefined;
  const shutdown = createShutdown({ logger, graceMs: config.shutdown.grace });
  const ending = createEnding({ shutdown, logger, onBroken: (error) => alerts?.stopping(error) });
  context.onStopSignal(ending.stop);
  const { promise: uncaught, reject: onUncaught } = Promise.withResolvers<never>();
  context.onUncaught?.(onUncaught);
  try {
    opened = await openSigners(config.signer, parts);
    const { signers } = opened;
    const idle = nothingWatched(config, signers);
    if (idle !== undefined) logger.warn(idle);
    const deployment = requireDeployment(config.chain.id);
    const scrub = createScrubber(secrets, urls);
    const onAlerts = (each: OpenAlerts) => {
      alerts = each;
    };
    const telling = { scrub, webhookUrl: webhook.url, onAlerts };
    const running = runWith({ context, config, site, logger, signers, deployment, page, ...telling, shutdown, ending });
    // Whoever stops a start does not wait until it has come to its end.
    return await Promise.race([ending.ended, uncaught, running]);
  } catch (error) {
    logger.fatal({ err: error }, "the daemon stops");
    // What may pass by itself is tried again every few seconds: nobody is told each time.
    if (!(error instanceof RetryableError)) alerts?.stopping(error);
    await alerts?.close();
    return error instanceof BaseError ? error.exitCode : exitCodes.software;
  } finally {
    await opened?.close();
  }
}

const noKey = new ConfigError("there is no key to sign with", {
  code: "KEY_MISSING",
  remedy:
    "set AGENT_PRIVATE_KEY or CLIENT_PRIVATE_KEY, signer.keyFile or signer.remoteUrl; or decide without paying: sink.dryRun",
});

/** The page's token, if it is where people can read it: a daemon that pays does not end because its page may change nothing. */
function savedToken({ token, save }: PageToken, logger: Logger): string | undefined {
  try {
    save?.();
    return token;
  } catch (err) {
    logger.warn({ err }, "nothing can be changed on the operator's page");
    return undefined;
  }
}

type Parts = {
  readonly context: Context;
  readonly config: Config;
  readonly site: JournalSite;
  readonly logger: Logger;
  readonly signers: readonly Signer[];
  readonly deployment: Deployment;
  readonly page: PageToken;
  readonly scrub: Scrub;
  readonly webhookUrl: string | undefined;
  /** Alerts can be told from now on, also of a start that fails. */
  readonly onAlerts: (alerts: OpenAlerts) => void;
  /** Gets its steps when all that they stop is there. */
  readonly shutdown: Shutdown;
  readonly ending: Ending;
};

async function runWith(parts: Parts): Promise<number> {
  const { context, config, site, logger, signers, deployment, page, scrub, webhookUrl, onAlerts } = parts;
  const { shutdown, ending } = parts;
  const alerts = openAlerts({
    config,
    url: webhookUrl,
    logger,
    scrub,
    metrics: () => metrics,
    vitals: () => supervisor.vitals(),
    waiting: (now) => observers.board.unsigned.view(now),
  });
  const supervisor = openSupervisor(context, config, logger, (reason) => {
    metrics.set("stalled", reason === undefined ? 0 : 1);
    alerts.change(stalled(reason));
  });
  supervisor.starting();
  const version = readVersion();
  const observers = createObservers({
    config,
    version,
    nodeVersion: context.nodeVersion,
    keys: config.sink.dryRun ? [] : signers.map(({ address }) => address),
    stalled: supervisor.stalled,
    behind: () => whyBehind(supervisor.vitals(), steadyClock.now()),
    clock: systemClock,
    logger,
    listeners: [supervisor.note, alerts.note, createHeapRoom()],
  });
  const { report, metrics } = observers;
  onAlerts(alerts);
  const evaluator = createNearEvaluator(
    createWorkerEvaluator({ onKilled: (reason) => report({ type: "evaluation-killed", reason }) }),
  );
  const rpc = openEndpoints(config, { random: Math.random, report });
  const policies = await watchPolicies(context, config.policies.dir, evaluator, rpc, report);
  const expected = { chainId: config.chain.id, deployment, finality: config.chain.finality };
  const probes = await probeAtStart(rpc, expected, config, logger);

  let isAlive = () => false;
  const livez = () => {
    if (!isAlive()) return { ok: false, reason: "the pipe is not running" };
    const reason = supervisor.overdue();
    return reason === undefined ? { ok: true } : { ok: false, reason };
  };
  const http = await startOperatorServer({
    ...{ config, version, scrub, logger, observers, livez, rpc, policies, signers },
    clock: systemClock,
  });
  let journal: Journal | undefined;
  try {
    let onLost: (error: FatalError) => void = () => undefined;
    journal = await site.open({ onLost: (error) => onLost(error) });
    const opened = journal;
    const daemon = assemble({
      config,
      deployment,
      rpc,
      journal,
      policies,
      signers,
      clock: systemClock,
      owner: `${hostname()} ${randomUUID()}`,
      random: Math.random,
      report,
      sweepTicks$: cron$(config.sweep.cron),
    });
    isAlive = daemon.isRunning;

    shutdown.add("supervisor", () => supervisor.stop());
    shutdown.add("pipe", async () => {
      daemon.stop();
      await daemon.ended.catch(() => undefined);
    });
    let endHousekeeping: () => unknown = () => undefined;
    shutdown.add("housekeeping", async () => {
      await endHousekeeping();
    });
    shutdown.add("page", http.leave);
    shutdown.add("policies", () => evaluator.close());
    shutdown.add("journal", () => opened.close());
    shutdown.add("http", () => http.stop());
    shutdown.add("alerts", alerts.close);
    shutdown.add("farewell", () => supervisor.drained());

    context.onUncaught?.((error) => {
      // Nobody knows what it left half done: nothing more is decided or sent.
      daemon.abort();
      ending.breakOff(error, "an error that nobody expected");
    });
    context.onPaySignal?.((action) => void obey(action, opened, logger));
    daemon.ended.catch((error) => ending.breakOff(error, "the pipe broke"));
    onLost = (error) => ending.breakOff(error, "the journal is lost to this daemon");

    const accounts = await Promise.all(
      signers.map(async ({ address }) => ({
        signer: checksummed(address),
        balance: formatOgpu(await balanceOf(rpc, address)),
      })),
    );
    if (shutdown.started()) return await ending.ended;
    supervisor.start({
      journal: opened,
      oldestLook: daemon.oldestLook,
      // By the clock that the ceilings go by: by another one the ledger would forget what counts.
      paidLately: async () =>
        wei((await daemon.ledger()).window({ scope: "all", lengthMs: dayMs }).sum(systemClock.now())),
    });
    daemon.start();
    const probeEndpoints = async () => {
      const found = await probe(rpc.each(), expected);
      return `${found.probes.length} of ${rpc.each().length} endpoints answer`;
    };
    const chainTime = () => supervisor.vitals().chainTime;
    const jobs = housekeepingJobs({ config, journal: opened, probeEndpoints, chainTime, clock: systemClock, report });
    endHousekeeping = startHousekeeping(jobs, systemClock, report);
    showJobs(metrics, jobs, systemClock.now());
    await http.show({ journal: opened, ledger: daemon.ledger, token: savedToken(page, logger) });
    logger.info(
      {
        ...(accounts.length > 1 ? { signers: accounts } : accounts[0]),
        endpoint: rpc.name,
        chainId: config.chain.id,
        node: probes.find(({ name }) => name === rpc.name)?.clientVersion,
        policies: policies.current().policies.map(({ name, mode }) => `${name} (${mode})`),
        http: `http://${config.http.host}:${http.port}`,
        ...(page.from !== undefined && { pageToken: page.from }),
        journal: site.name,
      },
      config.sink.dryRun ? "watching, without paying" : "watching",
    );
    logger.debug({ config: maskedConfig(config) }, "configuration");
    return await ending.ended;
  } catch (error) {
    // A start that is being stopped misses what was taken away from it.
    if (shutdown.started()) return await ending.ended;
    await journal?.close();
    await http.stop();
    throw error;
  } finally {
    observers.flush();
  }
}

/** A signal says neither who nor why; the journal keeps that it was one. */
async function obey(action: "pause" | "resume", journal: Journal, logger: Logger): Promise<void> {
  const signal = action === "pause" ? "SIGUSR1" : "SIGUSR2";
  const ask = { who: signal, why: `the process was sent ${signal}` };
  try {
    if (action === "pause") await pausePaying(journal, ask, systemClock.now());
    else await resumePaying(journal, ask, systemClock.now());
    logger.warn({ signal }, action === "pause" ? "told to pause paying" : "told to take up paying again");
  } catch (error) {
    logger.error({ err: error, signal }, "a signal could not be obeyed: try it again");
  }
}
