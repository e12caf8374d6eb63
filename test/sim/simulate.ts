import { rmSync } from "node:fs";
import { join } from "node:path";
import { config as rxjs } from "rxjs";
import { fixedPolicies } from "../../src/policy/policyStore.ts";
import { deploymentOn, mainnet } from "../../src/protocol/chains.ts";
import type { Signer } from "../../src/signer/signerPort.ts";
import { signers, startActors } from "./actors.ts";
import { drawLateClients, startAuthorisations } from "./authorisations.ts";
import { startClockSteps } from "./clockSteps.ts";
import { createCrashes } from "./crashes.ts";
import { startDeploys } from "./deploys.ts";
import { createDiskFaults, isOfDisk } from "./diskFaults.ts";
import { drawChain, drawNodeOptions, drawSettings } from "./draws.ts";
import { startEnding } from "./ending.ts";
import { createFaults, type Focus } from "./faults.ts";
import { drawGuardrails, longestWindow, withCaps } from "./guardrails.ts";
import { createHangs } from "./hangs.ts";
import { prepare } from "./home.ts";
import { type Incarnation, maxFeePerGas, startIncarnation } from "./incarnation.ts";
import { type JournalReader, openJournalReader } from "./journalReader.ts";
import { createMempool } from "./mempool.ts";
import { startMiner } from "./miner.ts";
import type { ModelDocuments } from "./modelDocuments.ts";
import { createModelNetwork } from "./modelNetwork.ts";
import { startOperator } from "./operator.ts";
import { createOracle, type Violation } from "./oracle.ts";
import { plants } from "./plants.ts";
import { startPolicyChanges } from "./policyChanges.ts";
import { createPoolWhims } from "./poolWhims.ts";
import { createPrng } from "./prng.ts";
import { createRefusers } from "./refusers.ts";
import { createTrace } from "./trace.ts";
import { createTruth } from "./truth.ts";
import { createVirtualTime } from "./virtualTime.ts";

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
let runs = 0;

/** Runs one seed to its end, or to the first violation. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { folder, policies: asWritten, otherPolicies } = prepare();
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
  const keys = signers.slice(0, world.pick([1, 2, 3])).map(
    (signer): Signer => ({
      ...signer,
      sign: async (transaction) => {
        const signed = await signer.sign(transaction);
        oracle.ceilings.signed(signed.hash);
        return signed;
      },
    }),
  );
  const guardrails = drawGuardrails(createPrng(seed, "guardrails"), plant?.isGuarded ?? false);
  const [policies, ...others] = [asWritten, ...otherPolicies].map((set) => withCaps(set, guardrails.caps));
  if (policies === undefined) throw new TypeError("there are no policies");
  let policiesNow: ReturnType<typeof startPolicyChanges> = () => fixedPolicies(policies);
  const luck = createPrng(seed, "luck");
  const baseFee = eip1559 ? 1_000_000_000n : undefined;
  const agents = createPrng(seed, "agents");
  const late = plant === undefined ? drawLateClients(agents) : [];
  const chain = drawChain(createPrng(seed, "past"), startMs / 1000, deployment, baseFee, late);
  const pool = createMempool();
  const poolWhims = createPoolWhims({
    pool,
    prng: createPrng(seed, "pools"),
    faults,
    time,
    trace,
    minedBy: (from) => chain.tip().state.nonces.get(from) ?? 0,
  });
  const disk = createDiskFaults(createPrng(seed, "disk"), faults, time.now);
  const truth = createTruth();
  const documents: ModelDocuments = new Map();
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
      standstills: plant === undefined ? createPrng(seed, "standstills") : undefined,
      onStandstill: () => {
        count("a node that stands still");
        trace.note("a node stands still");
      },
      farHeads: createPrng(seed, "far heads"),
      poolWhims,
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
    drawNodeOptions(world, { deployment, finalizedDepth: finalityDepth, takesTraces: seed % 2 === 0 }),
    world.pick([1, 2, 3]),
  );
  if (network.honest.length < network.nodes.length) count("a node that lies");
  const hangs = createHangs({
    network,
    prng: createPrng(seed, "hangs"),
    time,
    isOver,
    onHang: ({ depth }) => {
      count("a node that hangs answers alone");
      trace.note(`a node that hangs ${depth} blocks behind answers alone`);
    },
  });
  const oracle = createOracle({
    chain,
    pool,
    truth,
    signers: keys.map(({ address }) => address),
    maxFeePerGas,
    finalDepth: maxReorgDepth,
    guardrails,
    isMiscounted: () => counts["count too high"] !== undefined,
    now: time.now,
    journal: () => reader,
    highest: network.highest,
  });
  const crashes = createCrashes(createPrng(seed, "crashes"), plant?.noCrashes ? 0 : world.pick([0, 1, 2, 3]), isOver);

  const endpoints =
    plant === undefined ? { two: createPrng(seed, "endpoints"), ailments: createPrng(seed, "ailments") } : undefined;
  const settings = drawSettings(world, endpoints, { deployment, finalityDepth, guardrails });
  for (const ailments of settings.endpoints?.ailments ?? [])
    for (const [name, ails] of Object.entries(ailments)) if (ails === true) count(`an endpoint: ${name}`);
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
  /** As a supervisor does it. */
  const restart = (error: unknown) => {
    trace.note(`the daemon ends: ${(error as Error).message}`);
    count("ended by the disk");
    incarnation?.kill();
    oracle.committed();
    time.after(5_000, start);
  };
  const start = () => {
    trace.note("the daemon starts");
    hangs.daemonStarts();
    crashes.begin();
    const begun = startIncarnation({
      path,
      owner: ousted === undefined ? "a daemon" : "another daemon",
      isSecond: ousted !== undefined,
      policies: policiesNow(),
      signers: keys,
      settings,
      time,
      clockAhead,
      trace,
      prng: daemonPrng,
      faults,
      chain,
      nodes: network.nodes,
      answering: network.answering,
      connectable: network.connectable,
      disk,
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
        if (!deployed(incarnation)) hasStopped = true;
      },
      onBroken: (error) => {
        if (isOfDisk(error)) return restart(error);
        oracle.fail("alive", `the daemon stopped: ${(error as Error).stack ?? error}`);
      },
    });
    incarnation = begun;
    reader ??= openJournalReader(path);
  };

  let deployed: ReturnType<typeof startDeploys> = () => false;
  let clockAhead: ReturnType<typeof startClockSteps> = () => 0;
  let isDone = false;
  let hasStopped = false;
  const overseen = {
    ...{ oracle, time, trace, guardrails, count },
    prng: createPrng(seed, "operator"),
    incarnation: () => incarnation,
    ousted: () => ousted,
    hasStopped: () => hasStopped,
    onDone: () => {
      isDone = true;
    },
  };

  startMiner({
    chain,
    pool,
    prng: createPrng(seed, "miner"),
    faults,
    time,
    trace,
    signers: keys.map(({ address }) => address),
    poolWhims,
    maxReorgDepth,
    eip1559,
    isDoomed: () => luck.chance(guardrails.revertChance) && !isOver(),
    onTip: (tip) => {
      network.announce(tip);
      oracle.tipped(tip);
    },
  });
  const startPolicies = { policies, others, time, trace, count, prng: createPrng(seed, "policies") };
  if (plant === undefined) policiesNow = startPolicyChanges(startPolicies, lengthMs);
  startActors({ prng: createPrng(seed, "actors"), time, pool, documents, truth }, lengthMs);
  startAuthorisations({ late, time, pool, trace, count, prng: agents }, lengthMs);
  time.after(world.between(0, 40_000), start);
  startOperator(overseen, lengthMs);
  const isTakenOver = takeover.chance(0.25) && !guardrails.dryRun;
  if (isTakenOver) time.after(takeover.between(45_000, 150_000), takeOver);
  // A supervisor of two daemons is none of this, nor is a clock by which leases end at another time.
  else if (plant === undefined) {
    deployed = startDeploys({ ...overseen, prng: createPrng(seed, "deploys"), start }, lengthMs);
    // The oracle keeps its sums by a clock that nobody sets.
    if (longestWindow(guardrails) === 0)
      clockAhead = startClockSteps({ ...overseen, prng: createPrng(seed, "clock") }, lengthMs);
  }
  let faultsEnded = 0;
  time.after(lengthMs, () => {
    faults.end();
    hangs.end();
    faultsEnded = time.steps();
    trace.note("the faults end");
    startEnding(overseen);
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
