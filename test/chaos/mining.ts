import { setTimeout as sleep } from "node:timers/promises";
import { testNode } from "../../devnet/network.ts";
import type { Hash } from "../../src/protocol/brand.ts";
import type { Prng } from "../sim/prng.ts";
import { agentPool } from "./agentPool.ts";
import { type FaultName, faults } from "./faults.ts";
import type { Stage } from "./stage.ts";

/** A fault that is to strike once so many daemons were killed. */
export type Planned = { readonly fault: FaultName; readonly afterKills: number };

export type MiningDeps = {
  readonly stage: Stage;
  readonly prng: Prng;
  readonly plan: readonly Planned[];
  readonly kills: () => number;
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

/** Mines block after block, and strikes in between. */
export function startMining(deps: MiningDeps): Mining {
  const { stage, prng, kills, log, inspect } = deps;
  const { network } = stage.devnet;
  const waiting = deps.plan.toSorted((a, b) => a.afterKills - b.afterKills);
  const struck: FaultName[] = [];
  const foreign = new Set<Hash>();
  let dearBlocks = 0;
  let turn = 0;
  let stopped = false;

  const strike = async () => {
    const [next] = waiting;
    const fault = next && next.afterKills <= kills() ? faults[next.fault] : undefined;
    if (next === undefined || fault === undefined || dearBlocks > 0) return stage.hold(false);
    const phase = turn++ % (patience.held + patience.released);
    stage.hold(fault.alone && phase < patience.held);
    if (fault.alone && (phase >= patience.held || stage.unmined() > 0)) return;
    const raiseBaseFee = (blocks: number) => {
      dearBlocks = blocks;
    };
    if (!(await fault.strike({ stage, prng, raiseBaseFee, foreign }))) return;
    log(`${next.fault} (after ${kills()} kills)`);
    struck.push(next.fault);
    waiting.shift();
    turn = 0;
    stage.hold(false);
  };

  const run = async () => {
    while (!stopped) {
      await sleep(blockMs);
      await inspect((await agentPool(stage.devnet)).map(({ hash }) => hash).filter((hash) => !foreign.has(hash)));
      await strike();
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
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}
