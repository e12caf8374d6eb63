import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { config as rxjs } from "rxjs";
import { loadPolicies } from "../../src/policy/loadPolicies.ts";
import type { PolicySet } from "../../src/policy/policyPort.ts";
import { deploymentOn, mainnet } from "../../src/protocol/chains.ts";
import { setting, signers, startActors } from "./actors.ts";
import { createCrashes } from "./crashes.ts";
import { createFaults, type Focus } from "./faults.ts";
import { type Incarnation, maxFeePerGas, startIncarnation } from "./incarnation.ts";
import { type JournalReader, openJournalReader } from "./journalReader.ts";
import { createMempool } from "./mempool.ts";
import { startMiner } from "./miner.ts";
import { createModelChain } from "./modelChain.ts";
import type { ModelDocuments } from "./modelDocuments.ts";
import { createModelNetwork } from "./modelNetwork.ts";
import { createOracle, type Violation } from "./oracle.ts";
import { plants } from "./plants.ts";
import { writePolicies } from "./policies.ts";
import { createPrng } from "./prng.ts";
import { createRefusers } from "./refusers.ts";
import { createTrace } from "./trace.ts";
import { createTruth } from "./truth.ts";
import { createVirtualTime } from "./virtualTime.ts";
import { modelHash } from "./words.ts";

export type SimulationOptions = {
  readonly seed: number;
  readonly focus: Focus;
  /** Name of a planted bug. */
  readonly plant?: string | undefined;
  /** No fault after so many events of virtual time. @default none */
  readonly faultLimit?: number | undefined;
  /** The run fails if it takes more events than this. @default 100_000 */
  readonly maxSteps?: number | undefined;
  /** Lines of the trace that are kept. @default 200 */
  readonly keepLines?: number | undefined;
};

export type SimulationResult = {
  readonly seed: number;
  readonly violation: Violation | undefined;
  /** Events of virtual time. */
  readonly steps: number;
  /** Event at which the faults ended by themselves. */
  readonly faultsEnded: number;
  /** Of everything that happened. */
  readonly traceHash: string;
  readonly lines: readonly string[];
  /** Confirmations mined, crashes, faults: that the run was not idle. */
  readonly counts: Readonly<Record<string, number>>;
};

const startMs = 1_700_000_000_000;
/** Virtual time, in ms, in which everything must be done once the faults have ended. */
const patienceMs = 900_000;

/** Virtual time, in ms, that an idle daemon has to stop in. */
const stopMs = 60_000;

/** Folder of all runs of this process, where there is memory for it. */
let home: { readonly folder: string; readonly policies: PolicySet } | undefined;
let runs = 0;

function prepare(): NonNullable<typeof home> {
  if (home) return home;
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ogpu-sim-"));
  home = { folder, policies: loadPolicies(writePolicies(join(folder, "policies"))) };
  return home;
}

/** Removes what the runs of this thread left on the disk; the next run begins afresh. */
export function cleanUp(): void {
  if (home) rmSync(home.folder, { recursive: true, force: true });
  home = undefined;
}

/** Runs one seed to its end, or to the first violation. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { folder, policies } = prepare();
  const { seed, focus, faultLimit = Number.POSITIVE_INFINITY, maxSteps = 100_000 } = options;
  const plant = options.plant === undefined ? undefined : plants[options.plant];
  if (options.plant !== undefined && plant === undefined) throw new TypeError(`no plant is called ${options.plant}`);
  const path = join(folder, `${runs++}.sqlite`);

  const deployment = deploymentOn(mainnet.id);
  if (deployment === undefined) throw new TypeError("mainnet has no deployment");
  const world = createPrng(seed, "world");
  const time = createVirtualTime(startMs);
  const trace = createTrace(time.now, options.keepLines);
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  const faults = createFaults({
    prng: createPrng(seed, "faults"),
    focus,
    steps: time.steps,
    limit: faultLimit,
    onStrike: (name) => {
      count(name);
      trace.digest(`fault: ${name}`);
    },
  });

  const isOver = () => faults.isOver() || time.steps() >= faultLimit;
  const maxReorgDepth = world.pick([0, 1, 2, 3, 5, 8]);
  const finalityDepth = Math.max(1, maxReorgDepth + world.pick([0, 0, 1, 3]));
  const eip1559 = world.chance(0.85);
  const lengthMs = world.between(80_000, 240_000);
  const keys = signers.slice(0, world.pick([1, 1, 2]));
  const chain = createModelChain(deployment.nexus, startMs / 1000, eip1559 ? 1_000_000_000n : undefined);
  const pool = createMempool();
  const truth = createTruth();
  const documents: ModelDocuments = new Map();
  const setUp = setting.map((action, index) => ({ hash: modelHash(0x5e, index), action, key: undefined }));
  const first = { time: startMs / 1000 + 1, baseFee: eip1559 ? 1_000_000_000n : undefined, transactions: setUp };
  chain.adopt(chain.build(chain.tip(), first));

  let reader: JournalReader | undefined;
  let incarnation: Incarnation | undefined;
  /** One that stood still for so long that another one took its keys over. */
  let ousted: Incarnation | undefined;
  const isHidden = plant?.hides ?? (() => false);
  const network = createModelNetwork(
    {
      chain,
      pool,
      prng: createPrng(seed, "network"),
      faults,
      time,
      isHidden,
      onLie: (block) => oracle.lied(block),
      liars: createPrng(seed, "liars"),
      isOver,
      refusers: createRefusers({
        faults,
        prng: createPrng(seed, "refusers"),
        onRefusal: (transaction) => oracle.refused(transaction),
      }),
      onHead: (node, before) => {
        incarnation?.push(node, before);
        if (ousted?.isAlive()) ousted.push(node, before);
      },
    },
    {
      chainId: mainnet.id,
      deployment,
      logLimit: world.pick([4, 20, 10_000]),
      strictPages: world.chance(0.3),
      finalizedDepth: finalityDepth,
      replacementPerMille: world.pick([1_100n, 1_125n]),
      refusesBelowBaseFee: world.chance(0.5),
      takesOverrides: world.chance(0.7),
      takesTraces: seed % 2 === 0,
    },
    world.pick([1, 2, 3]),
  );
  if (network.honest.length < network.nodes.length) count("a node that lies");
  const oracle = createOracle({
    chain,
    pool,
    truth,
    signers: keys.map(({ address }) => address),
    maxFeePerGas,
    finalDepth: maxReorgDepth,
    journal: () => reader,
    highest: network.highest,
  });
  const crashes = createCrashes(createPrng(seed, "crashes"), plant?.noCrashes ? 0 : world.pick([0, 1, 2, 3]), isOver);

  const endpoints = createPrng(seed, "endpoints");
  const settings = {
    chainId: mainnet.id,
    deployment,
    finalityDepth,
    startBlock: world.pick(["head", 0n] as const),
    maxBlockRange: world.pick([1, 3, 10, 2_000]),
    maxInFlight: world.pick([1, 4, 16]),
    sweepEveryMs: world.pick([20_000, 60_000, 300_000]),
    hasSocket: world.chance(0.75),
    batchSizeOfTwo: plant === undefined && endpoints.chance(0.5) ? endpoints.pick([1, 20, 100]) : undefined,
    timeoutMs: 10_000,
    rebroadcastAfterMs: world.pick([8_000, 30_000]),
    askAllUpTo: world.pick([0, 16]),
  };
  const daemonPrng = createPrng(seed, "daemon");
  const takeover = createPrng(seed, "takeover");
  /** Leases that the other one has still to take: it dies in none of these moments, or the first one would keep some. */
  let untaken = 0;
  const takeOver = () => {
    const old = incarnation;
    if (!old?.isAlive() || isOver()) return;
    trace.note("the daemon stands still");
    old.stallUntil(time.now() + takeover.between(35_000, 120_000));
    // By now no lease of it is good any more.
    time.after(takeover.between(30_001, 34_000), () => {
      trace.note("another daemon takes over");
      count("takeover");
      old.oust();
      ousted = old;
      untaken = keys.length;
      start();
    });
  };
  const start = () => {
    trace.note("the daemon starts");
    crashes.begin();
    const begun = startIncarnation({
      path,
      owner: ousted === undefined ? "a daemon" : "another daemon",
      isSecond: ousted !== undefined,
      policies,
      signers: keys,
      settings,
      time,
      trace,
      prng: daemonPrng,
      faults,
      chain,
      nodes: network.nodes,
      honest: network.honest,
      documents,
      plant,
      isHidden,
      dies: () => untaken === 0 && crashes.moment(),
      onDeath: () => {
        count("crash");
        oracle.committed();
        time.after(daemonPrng.pick([50, 1_000, 20_000, 60_000]), start);
      },
      onSent: (raw) => {
        count("broadcast");
        oracle.sent(raw);
      },
      onCommit: (method) => {
        if (method === "takeLease" && untaken > 0) untaken--;
        oracle.committed();
      },
      onMissed: () => {
        count("missed");
        oracle.complained();
      },
      onFailover: () => count("failover"),
      onEnded: () => {
        hasStopped = true;
      },
      onBroken: (error) => oracle.fail("alive", `the daemon stopped: ${(error as Error).stack ?? error}`),
    });
    incarnation = begun;
    reader ??= openJournalReader(path);
  };

  let isDone = false;
  let hasStopped = false;
  let stillOpen: readonly Violation[] = [];
  /** The last daemon is asked to stop: it has nothing left to do. */
  const finish = () => {
    oracle.checkEnd();
    incarnation?.stop();
    time.after(stopMs, () => {
      if (!hasStopped) oracle.fail("stops", `the daemon did not end within ${stopMs} ms, with nothing in flight`);
      isDone = true;
    });
  };
  const tryFinish = (endedAt: number) => {
    stillOpen = incarnation?.isAlive() ? oracle.open() : [{ invariant: "running", what: "there is no daemon" }];
    if (ousted?.isAlive()) stillOpen = [{ invariant: "ousted-ends", what: "a daemon that lost its keys goes on" }];
    if (stillOpen.length === 0) return finish();
    if (time.now() - endedAt < patienceMs) {
      time.after(5_000, () => tryFinish(endedAt));
      return;
    }
    const [{ invariant, what } = { invariant: "settled", what: "" }] = stillOpen;
    oracle.fail(`eventually-${invariant}`, `${what} (and ${stillOpen.length - 1} more)`);
  };

  startMiner({
    chain,
    pool,
    prng: createPrng(seed, "miner"),
    faults,
    time,
    trace,
    signers: keys.map(({ address }) => address),
    maxReorgDepth,
    eip1559,
    onTip: (tip) => {
      network.announce(tip);
      oracle.tipped(tip);
    },
  });
  startActors({ prng: createPrng(seed, "actors"), time, pool, documents, truth }, lengthMs);
  time.after(world.between(0, 40_000), start);
  if (takeover.chance(0.25)) time.after(takeover.between(45_000, 150_000), takeOver);
  let faultsEnded = 0;
  time.after(lengthMs, () => {
    faults.end();
    faultsEnded = time.steps();
    trace.note("the faults end");
    time.after(30_000, () => tryFinish(time.now()));
  });

  const before = rxjs.onUnhandledError;
  rxjs.onUnhandledError = (error) => oracle.fail("no-unhandled-error", String((error as Error).stack ?? error));
  try {
    while (!isDone && oracle.violation() === undefined) {
      if (!(await time.step())) break;
      if (time.steps() > maxSteps) oracle.fail("bounded", `more than ${maxSteps} events`);
    }
  } catch (error) {
    oracle.fail("no-unhandled-error", String((error as Error).stack ?? error));
  } finally {
    rxjs.onUnhandledError = before;
    incarnation?.kill();
    ousted?.kill();
    reader?.close();
    for (const suffix of ["", "-wal", "-shm", ".lock", ".lock-journal"]) rmSync(`${path}${suffix}`, { force: true });
  }
  const violation = oracle.violation();
  if (violation) trace.note(`VIOLATION ${violation.invariant}: ${violation.what}`);
  const lines = trace.lines();
  return { seed, violation, steps: time.steps(), faultsEnded, traceHash: trace.hash(), lines, counts };
}
