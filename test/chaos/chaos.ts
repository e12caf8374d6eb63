import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type PostgresServer, startPostgres } from "../../devnet/postgres.ts";
import { createPrng, type Prng } from "../sim/prng.ts";
import { createHome, type DaemonProcess, startDaemon } from "../support/daemonProcess.ts";
import { type Audit, audit } from "./audit.ts";
import { type AilmentName, ailmentNames, startAilingEndpoints } from "./endpoints.ts";
import { deepestReorg, type FaultName, faultNames } from "./faults.ts";
import { readJournalFile, readJournalServer } from "./journalFile.ts";
import { drawMoment, liveUntil } from "./lifetimes.ts";
import { type Planned, startMining } from "./mining.ts";
import { openStage } from "./stage.ts";
import { type StrikeName, startPair, strikeNames } from "./standby.ts";

export type ChaosOptions = {
  readonly kills: number;
  readonly tasks: number;
  /** Draws when daemons die and what strikes; the operating system's timing it does not draw. */
  readonly seed: number;
  /** The journal is in PostgreSQL, whose server crashes now and then beside. @default false: in a file */
  readonly postgres?: boolean;
  /** So many endpoints stand before the node, and one at a time ails. @default 0: the node itself is asked */
  readonly endpoints?: number;
  /** A second daemon waits for the journal, which is in PostgreSQL then, and whose server crashes in takeovers only. @default false */
  readonly standby?: boolean;
  readonly log?: (line: string) => void;
};

export type ChaosResult = Audit & {
  readonly seed: number;
  readonly kills: number;
  readonly tasks: number;
  /** How far the daemons had come when they were killed. */
  readonly killedWhile: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<FaultName, number>>;
  readonly seconds: number;
  /** How often the journal's server crashed, as in a power cut. */
  readonly serverCrashes: number;
  /** What ailed the endpoints, and how often; `undefined`: there are none before the node. */
  readonly ailments: Readonly<Record<AilmentName, number>> | undefined;
  /** What struck the daemon that worked while another one waited; `undefined`: none did. */
  readonly strikes: Readonly<Record<StrikeName, number>> | undefined;
};

/** Answers that the daemon may be ahead of: the load that there always is. */
const backlog = 6;
/**
 * Answers that are kept back for each fault that has not struck, however much else was paid: one to strike at, and another
 * one should the first be paid behind its back.
 */
const keptForFault = 2;
/** What fails is noticed while the daemon lives. */
const hurried = {
  rpc: { timeout: "1s", cooldown: "2s" },
  socket: { heartbeat: "1s", silence: "3s", maxBackoff: "2s" },
};
/** Time for the last daemon to bring everything to its end. */
const patienceMs = 180_000;

/**
 * Kills the daemon's real process again and again while it pays, on a real node that drops, reorders, becomes dear and
 * has somebody else use the key; the last daemon is left alone, and then the chain is asked what came of it.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { kills, tasks, seed, postgres = false, endpoints = 0, standby = false, log = () => undefined } = options;
  const started = performance.now();
  log(`publishing ${tasks} tasks …`);
  const stage = await openStage(tasks);
  const { devnet } = stage;
  const server = postgres || standby ? await startPostgres() : undefined;
  const ailing =
    endpoints > 0 ? await startAilingEndpoints(devnet, endpoints, createPrng(seed, "endpoints"), log) : undefined;
  const home = createHome(devnet, {
    ...(ailing && { rpc: { ...ailing.rpc, ...hurried.rpc }, socket: hurried.socket }),
    ...(server && { journal: { url: server.urlOf("postgres") } }),
    chain: { finality: deepestReorg + 1 },
    sink: { rebroadcastAfter: "1s" },
  });
  const start = {
    home,
    privateKey: devnet.accounts.agent.privateKey,
    env: {
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(home.directory, "code"),
      ...(server && { OGPU_JOURNAL_PASSWORD: server.password }),
    },
  };
  const journal = server ? readJournalServer(server, "postgres") : readJournalFile(home.journalPath);
  const crashes = server && !standby ? startCrashes(server, createPrng(seed, "server")) : undefined;
  const { address } = devnet.accounts.agent;
  const firstNonce = await devnet.publicClient.getTransactionCount({ address });
  const firstBlock = await devnet.publicClient.getBlockNumber();
  const violations: string[] = [];
  const killedWhile: Record<string, number> = {};
  const givenUp = new Set<number>();
  const note = (daemon: DaemonProcess) => {
    if (ailing || standby) noteGivenUp(daemon.output(), givenUp);
  };
  const moments = createPrng(seed, "moments");
  let killed = 0;

  const mining = startMining({
    stage,
    prng: createPrng(seed, "faults"),
    plan: planFaults(createPrng(seed, "plan"), kills),
    kills: () => killed,
    isDry: async () => (await paid()) === stage.sent(),
    log,
    inspect: async (waiting) => {
      if (waiting.length === 0) return;
      const signed = await journal.signed();
      for (const hash of waiting) {
        if (!signed.has(hash)) violations.push(`${hash} was broadcast and is not in the journal`);
      }
    },
  });
  const pair =
    standby && server
      ? startPair({ start, server, prng: createPrng(seed, "standby"), mayEnd: mayYield, onEnd: note, log })
      : undefined;
  const broken = Promise.race([mining, ailing, pair].flatMap((each) => each?.broken ?? []));
  broken.catch(() => undefined);
  const answerUpTo = (count: number) => stage.answerUpTo(Math.min(count, tasks - keptForFault * mining.left()));
  let last: ReturnType<typeof startDaemon> | undefined;
  try {
    while (killed < kills && mining.starved() === undefined) {
      answerUpTo(Math.ceil((tasks * (killed + 1)) / kills) + backlog);
      const state = await Promise.race([pair ? pair.strike() : live(), broken]);
      killed++;
      killedWhile[state] = (killedWhile[state] ?? 0) + 1;
      if (killed % 10 === 0) log(`${killed} kills, ${await paid()} of ${tasks} final`);
    }
    await pair?.stop();
    await crashes?.stop();
    last = startDaemon(start);
    await Promise.race([last.ready(), broken]);
    const deadline = performance.now() + patienceMs;
    const isHopeless = () => mining.starved() !== undefined || stage.failure() !== undefined;
    const isDone = async () => mining.left() === 0 && (await paid()) === tasks;
    while (!isHopeless() && !(await isDone()) && performance.now() < deadline) {
      answerUpTo(tasks);
      await Promise.race([sleep(100), broken]);
    }
    last.kill("SIGTERM");
    const code = await last.exited;
    if (code !== 0) violations.push(`the last daemon ended with code ${code}`);
    note(last);
    await mining.stop();
    const starved = mining.starved();
    const why =
      starved === undefined ? "" : `: every task is answered and paid, and "${starved}" found nothing to strike at`;
    if (mining.left() > 0) violations.push(`${mining.left()} faults never struck${why}`);
    const failure = stage.failure();
    if (failure) violations.push(`an answer did not come on the chain: ${failure.message}`);
    const found = await audit({ stage, journal, foreign: mining.foreign, firstNonce, firstBlock, givenUp });
    return {
      ...found,
      violations: [...violations, ...found.violations],
      seed,
      kills: killed,
      tasks,
      killedWhile,
      faults: countOf(faultNames, mining.struck),
      serverCrashes: crashes?.count() ?? 0,
      ailments: ailing && countOf(ailmentNames, ailing.ailed),
      strikes: pair && countOf(strikeNames, pair.struck),
      seconds: Math.round((performance.now() - started) / 100) / 10,
    };
  } finally {
    last?.kill("SIGKILL");
    await last?.exited;
    await pair?.stop();
    await mining.stop().catch(() => undefined);
    await crashes?.stop();
    await ailing?.stop();
    await server?.stop();
    await devnet.stop();
    home.remove();
  }

  async function live(): Promise<string> {
    const { daemon, state } = await liveUntil(drawMoment(moments), start, mayEnd);
    note(daemon);
    return state;
  }

  async function paid(): Promise<number> {
    return (await journal.confirmations()).filter(({ state }) => state === "final").length;
  }
}

const countOf = <T extends string>(names: readonly T[], found: readonly T[]) =>
  Object.fromEntries(names.map((name) => [name, found.filter((each) => each === name).length])) as Record<T, number>;

/** With a server that crashes a daemon ends by itself: where that is found out, or where it starts while it is away. */
const mayEnd = (output: string): boolean => /"code":"JOURNAL_(LOST|UNAVAILABLE)"/.test(output);

/** With a second daemon, one that waits gives up, and is started again; one that has lost the journal ends. */
const mayYield = (output: string): boolean => mayEnd(output) || /"code":"JOURNAL_(LOCKED|TAKEN)"/.test(output);

/** Crashes the journal's server every few seconds, and starts it again. */
function startCrashes(server: PostgresServer, prng: Prng) {
  let count = 0;
  const stopping = new AbortController();
  const run = async () => {
    for (;;) {
      await sleep(prng.between(2_000, 9_000), undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      await server.halt("crash");
      await sleep(prng.between(0, 300));
      await server.start();
      count++;
    }
  };
  const running = run();
  running.catch(() => undefined);
  return {
    count: () => count,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** Adds the nonces that a daemon took for a stranger's. @param output All that it wrote. */
function noteGivenUp(output: string, givenUp: Set<number>): void {
  for (const [, nonce] of output.matchAll(/"nonce (\d+) was used by a transaction that is not the daemon's"/g))
    givenUp.add(Number(nonce));
}

/** Each fault once at the least, and once more for every forty kills, spread over the run. */
function planFaults(prng: Prng, kills: number): readonly Planned[] {
  return faultNames.flatMap((fault) =>
    Array.from({ length: 1 + Math.floor(kills / 40) }, () => ({
      fault,
      afterKills: prng.between(Math.floor(kills * 0.05), Math.floor(kills * 0.8)),
    })),
  );
}
