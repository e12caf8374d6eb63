import type { Clock } from "./clock.ts";

/** Knows what goes on, and since when. */
type Stopwatch = {
  readonly during: <T>(work: () => Promise<T>) => Promise<T>;
  /** When the oldest work that still goes on began, in milliseconds of its clock. */
  readonly oldest: () => number | undefined;
};

export function createStopwatch({ now }: Pick<Clock, "now">): Stopwatch {
  // In the order of their beginning, which is the order of insertion.
  const running = new Map<symbol, number>();
  return {
    during: async (work) => {
      const key = Symbol();
      running.set(key, now());
      try {
        return await work();
      } finally {
        running.delete(key);
      }
    },
    oldest: () => running.values().next().value,
  };
}
