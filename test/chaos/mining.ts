import { setTimeout as sleep } from "node:timers/promises";
import { testNode } from "../../devnet/network.ts";
import type { Hash } from "../../src/protocol/brand.ts";
import type { Prng } from "../sim/prng.ts";
import { agentPool, othersWait } from "./agentPool.ts";
import { type FaultName, faults } from "./faults.ts";
import type { Stage } from "./stage.ts";

/** A fault that is to strike once so many daemons were killed. */
export type Planned = { readonly fault: FaultName; readonly afterKills: number };

export type MiningDeps = {
  readonly stage: Stage;
  readonly prng: Prng;
  readonly plan: readonly Planned[];
  readonly kills: () => number;
  /** Whether everything that was answered is paid, finally: then there is nothing that a fault could strike at. */
  readonly isDry: () => Promise<boolean>;
  readonly log: (line: string) => void;
  /** What waits in the node before each block; it throws where that must not be. */
  readonly inspect: (waiting: readonly Hash[]) => Promise<void>;
};

export type Mining = {
  /** Faults that struck, in order. */
  readonly struck: readonly FaultName[];
  readonly foreign: ReadonlySet<Hash>;
  /** Faults that have not struck yet. */
  readonly left: () => number;
  /** The fault that can never strike: all tasks are answered and paid. */
  readonly starved: () => FaultName | undefined;
  /** Rejects with what goes wrong while it mines; else it never settles. */
  readonly broken: Promise<never>;
  /** Ends it. @throws what went wrong while it mined. */
  readonly stop: () => Promise<void>;
};

/** Milliseconds between two blocks. */
const blockMs = 150;
const gwei = 10n ** 9n;
/** A fault that must have the chain to itself waits so many blocks for it; then the answers go on for a while. */
const patience = { held: 12, released: 8 };
/** While a fault is lured the chain goes on so seldom, in blocks. */
const slowBlocks = 20;

/**
 * Mines block after block, and strikes in between.
 *
 * How fast the daemon pays depends on the machine, and it may have paid everything before a fault has found something to
 * strike at. Then that fault is lured: one more task is answered for it alone, and once the answer is mined, no block takes
 * the daemon's confirmation away before the fault has had its turn.
 */
export function startMining(deps: MiningDeps): Mining {
  const { stage, prng, kills, isDry, log, inspect } = deps;
  const { network } = stage.devnet;
  const waiting = deps.plan.toSorted((a, b) => a.afterKills - b.afterKills);
  const struck: FaultName[] = [];
  const foreign = new Set<Hash>();
  let dearBlocks = 0;
  let turn = 0;
  let stopped = false;
  let lured = false;
  let starved: FaultName | undefined;

  /** Answers whether a fault had its turn. */
  const strike = async (): Promise<boolean> => {
    const [next] = waiting;
    const fault = next && next.afterKills <= kills() ? faults[next.fault] : undefined;
    if (next === undefined || fault === undefined || dearBlocks > 0) {
      stage.hold(false);
      return false;
    }
    const held = turn++ % (patience.held + patience.released) < patience.held || lured;
    stage.hold(fault.alone && held);
    if (fault.alone && (!held || stage.unmined() > 0)) return false;
    const raiseBaseFee = (blocks: number) => {
      dearBlocks = blocks;
    };
    if (!(await fault.strike({ stage, prng, raiseBaseFee, foreign }))) {
      if (await isDry()) {
        lured = stage.answerNext();
        if (!lured) starved = next.fault;
        turn = 0;
      }
      return true;
    }
    log(`${next.fault} (after ${kills()} kills)`);
    struck.push(next.fault);
    waiting.shift();
    turn = 0;
    lured = false;
    stage.hold(false);
    return true;
  };

  const run = async () => {
    while (!stopped) {
      await sleep(blockMs);
      const pool = await agentPool(stage.devnet);
      await inspect(pool.map(({ hash }) => hash).filter((hash) => !foreign.has(hash)));
      const hadItsTurn = await strike();
      const mayMine = pool.length > 0 ? hadItsTurn : turn % slowBlocks === 0;
      if (lured && !mayMine && !(await othersWait(stage.devnet))) continue;
      const baseFee = dearBlocks > 0 ? 20n * gwei : gwei;
      if (dearBlocks > 0) dearBlocks--;
      await testNode(network, "anvil_setNextBlockBaseFeePerGas", [`0x${baseFee.toString(16)}`]);
      await testNode(network, "evm_mine");
    }
  };
  const running = run();
  const broken = running.then(() => new Promise<never>(() => undefined));
  broken.catch(() => undefined);
  return {
    broken,
    struck,
    foreign,
    left: () => waiting.length + Number(dearBlocks > 0),
    starved: () => starved,
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}
