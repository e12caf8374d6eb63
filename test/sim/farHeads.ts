import type { Block } from "./modelChain.ts";
import type { Prng } from "./prng.ts";
import { modelHash, quantity } from "./words.ts";

/** What a node says that its head is; it has no block above the one that it stands at. */
export type FarHead = {
  readonly number: (head: Block) => number;
  /** What it calls its newest block. */
  readonly latest: (head: Block) => Block["wire"];
};

/** A node that says what is so. */
export const nearHead: FarHead = { number: ({ number }) => number, latest: ({ wire }) => wire };

export type FarHeadDeps = {
  readonly prng: Prng;
  readonly now: () => number;
  /** From then on it tells the truth. */
  readonly isOver: () => boolean;
};

/** A node that says for long that its head is higher than it is: by its number alone, or as a block that nobody can read. */
export function createFarHead({ prng, now, isOver }: FarHeadDeps): FarHead {
  const most = prng.pick([2, 8, 40, 128]);
  const by = prng.between(1, most);
  const begins = now() + prng.between(0, 120_000);
  const ends = begins + prng.between(20_000, 200_000);
  const isOfBlocks = prng.chance(0.5);
  const lies = () => now() >= begins && now() < ends && !isOver();
  return {
    number: ({ number }) => (lies() ? number + by : number),
    latest: (head) => {
      if (!isOfBlocks || !lies()) return head.wire;
      const number = head.number + by;
      const [hash, parentHash] = [modelHash(0xfa, number), modelHash(0xfa, number - 1)];
      return { ...head.wire, number: quantity(number), hash, parentHash, timestamp: quantity(head.time + by) };
    },
  };
}
