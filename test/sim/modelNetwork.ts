import { createFarHead, nearHead } from "./farHeads.ts";
import type { Faults } from "./faults.ts";
import type { Hang } from "./hangs.ts";
import { createLiar, createLies, truths } from "./lies.ts";
import type { ModelTransaction } from "./mempool.ts";
import type { Block, ModelChain } from "./modelChain.ts";
import { createModelNode, type ModelNode, type NodeDeps, type NodeOptions } from "./modelNode.ts";
import type { Prng } from "./prng.ts";
import type { Refusers } from "./refusers.ts";
import type { VirtualTime } from "./virtualTime.ts";

export type ModelNetwork = {
  readonly nodes: readonly ModelNode[];
  /** All but the one that lies for as long as there are faults; in many runs there is none. */
  readonly honest: readonly ModelNode[];
  /** Those that answer now. */
  readonly answering: () => readonly ModelNode[];
  /** Those that a socket may be at now. */
  readonly connectable: () => readonly ModelNode[];
  /** From now on this one hangs, and the others are away; `undefined`: all is as before. */
  readonly hang: (hang: Hang | undefined) => void;
  /** Tells every node of a new tip, each in its own time. */
  readonly announce: (tip: Block) => void;
  /** Highest block that any node has ever answered for. */
  readonly highest: () => number;
};

export type NetworkDeps = Omit<NodeDeps, "refuses" | "lies" | "farHead" | "now"> & {
  readonly refusers: Refusers;
  /** Draws whether one of several nodes lies, and what about. */
  readonly liars: Prng;
  /** Draws whether a node tells of a head that is too high. */
  readonly farHeads: Prng;
  /** Draws whether a node takes in no blocks for long, also where its own is taken back; `undefined`: none does. */
  readonly standstills: Prng | undefined;
  readonly onStandstill: () => void;
  /** There are no faults any more. */
  readonly isOver: () => boolean;
  readonly time: VirtualTime;
  readonly faults: Faults;
  readonly chain: ModelChain;
  /** A node has another head now. */
  readonly onHead: (node: ModelNode, before: Block) => void;
};

/** Nodes that follow the chain: some at once, some behind, and some that fall back for a while. */
export function createModelNetwork(deps: NetworkDeps, options: NodeOptions, count: number): ModelNetwork {
  const { prng, faults, time, chain, onHead } = deps;
  const others = createLies(deps);
  const liar = deps.liars.chance(0.3) && count > 1 ? 0 : undefined;
  // What two endpoints agree on is believed: beside one that lies the others are honest.
  const rest = liar === undefined ? others : truths;
  const { farHeads } = deps;
  const far = farHeads.chance(0.15) ? farHeads.between(0, count - 1) : undefined;
  const farHead = createFarHead({ prng: farHeads, now: time.now, isOver: deps.isOver });
  const nodes = Array.from({ length: count }, (_, index) => {
    const lies = index === liar ? createLiar({ others, prng: deps.liars, isOver: deps.isOver }) : rest;
    const refuses = (transaction: ModelTransaction) => deps.refusers.refuses(index, transaction);
    return createModelNode(
      { ...deps, lies, refuses, farHead: index === far ? farHead : nearHead, now: time.now },
      options,
    );
  });
  let still: ModelNode | undefined;
  const { standstills } = deps;
  if (standstills?.chance(0.25)) {
    const node = standstills.pick(nodes);
    const beginsIn = standstills.between(0, 120_000);
    time.after(beginsIn, () => {
      still = node;
      deps.onStandstill();
    });
    time.after(beginsIn + standstills.between(10_000, 120_000), () => {
      still = undefined;
    });
  }
  /** The newest announcement that each node has taken in: an older one that comes late is no news. */
  const newest = nodes.map(() => 0);
  let hung: Hang | undefined;
  let announced = 0;
  let highest = chain.tip().number;

  const follow = (node: ModelNode, block: Block) => {
    const before = node.head();
    if (before === block || node === hung?.node || (node === still && !deps.isOver())) return;
    node.follow(block);
    highest = Math.max(highest, block.number);
    onHead(node, before);
  };

  return {
    nodes,
    honest: nodes.filter((_, index) => index !== liar),
    highest: () => highest,
    answering: () => (hung ? [hung.node] : nodes),
    connectable: () => (hung && !hung.isSocketFree ? [hung.node] : nodes),
    hang: (hang) => {
      const before = hung?.node;
      hung = undefined;
      if (before) follow(before, chain.tip());
      if (hang) follow(hang.node, chain.at(chain.tip(), Math.max(0, chain.tip().number - hang.depth)) as Block);
      hung = hang;
    },
    announce: (tip) => {
      const order = ++announced;
      for (const [index, node] of nodes.entries()) {
        const delay = faults.strikes("node lags") ? prng.between(1_000, 15_000) : prng.between(2, 250);
        time.after(delay, () => {
          if (order < (newest[index] ?? 0)) return;
          newest[index] = order;
          follow(node, tip);
        });
        if (!faults.strikes("head goes back")) continue;
        const back = chain.at(tip, Math.max(0, tip.number - prng.between(1, 6)));
        time.after(delay + prng.between(10, 3_000), () => back && follow(node, back));
      }
    },
  };
}
