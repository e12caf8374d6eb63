import type { ModelNetwork } from "./modelNetwork.ts";
import type { ModelNode } from "./modelNode.ts";
import type { Prng } from "./prng.ts";
import type { VirtualTime } from "./virtualTime.ts";

/** A node that takes in no blocks any more, and answers alone for a while: the others are away. */
export type Hang = {
  readonly node: ModelNode;
  /** Blocks below the tip that it stands at. */
  readonly depth: number;
  /** A socket is free to be at one of the others: it is another address. */
  readonly isSocketFree: boolean;
};

export type HangsDeps = {
  readonly network: Pick<ModelNetwork, "honest" | "hang">;
  readonly prng: Prng;
  readonly time: VirtualTime;
  readonly isOver: () => boolean;
  readonly onHang: (hang: Hang) => void;
};

/** Draws whether a daemon that starts finds such a node, and for how long. */
export type Hangs = {
  readonly daemonStarts: () => void;
  /** All nodes are well again. */
  readonly end: () => void;
};

export function createHangs({ network, prng, time, isOver, onHang }: HangsDeps): Hangs {
  const chance = prng.pick([0, 0, 0.3, 0.6]);
  let callOff = () => {};
  const end = () => {
    callOff();
    network.hang(undefined);
  };
  return {
    daemonStarts: () => {
      if (!prng.chance(chance) || isOver()) return;
      end();
      const node = prng.pick(network.honest);
      const depth = prng.chance(0.5) ? prng.between(5, 20) : prng.between(5, 200);
      const hang = { node, depth, isSocketFree: prng.chance(0.3) };
      onHang(hang);
      network.hang(hang);
      callOff = time.after(prng.pick([2_000, 8_000, 30_000, 90_000]), end);
    },
    end,
  };
}
