import type { Prng } from "./prng.ts";

/** When daemons die: each incarnation at a drawn moment of its life, some not at all. */
export type Crashes = {
  /** Begins an incarnation: draws how many moments it has. */
  readonly begin: () => void;
  /** One moment passes; `true`: the daemon dies in it. */
  readonly moment: () => boolean;
};

/**
 * @param most Crashes in the whole run.
 * @param isOver Faults have ended.
 */
export function createCrashes(prng: Prng, most: number, isOver: () => boolean): Crashes {
  let left = most;
  let momentsLeft = 0;
  return {
    begin: () => {
      const reach = prng.pick([5, 20, 60, 200]);
      momentsLeft = prng.between(1, reach);
    },
    moment: () => {
      if (left === 0 || --momentsLeft !== 0 || isOver()) return false;
      left--;
      return true;
    },
  };
}
