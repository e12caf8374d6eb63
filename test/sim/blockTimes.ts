import type { Faults } from "./faults.ts";
import type { Block } from "./modelChain.ts";
import type { Prng } from "./prng.ts";

/** The time of a block, in unix seconds, which whoever makes it chooses: it may stand still, and be ahead by minutes. */
export type BlockTimes = (parent: Block, seconds: number) => number;

export function createBlockTimes(prng: Prng, faults: Faults): BlockTimes {
  let standsUntil = 0;
  return (parent, seconds) => {
    if (faults.strikes("time stands still")) standsUntil = parent.number + prng.between(2, 12);
    const ahead = faults.strikes("time jumps") ? prng.between(60, 400) : 0;
    if (parent.number < standsUntil && !faults.isOver()) return parent.time + ahead;
    return Math.max(parent.time + 1, seconds) + ahead;
  };
}
