import type { Prng } from "./prng.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtualTime.ts";

export type ClockStepsDeps = {
  readonly prng: Prng;
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly count: (what: string) => void;
};

const hourMs = 3_600_000;

/**
 * Somebody who sets the machine's clock now and then, forward or back. What is due is due as before.
 * @param lengthMs The time in which that happens. @returns milliseconds by which the clock is ahead by then.
 */
export function startClockSteps({ prng, time, trace, count }: ClockStepsDeps, lengthMs: number): () => number {
  let aheadMs = 0;
  for (let times = prng.pick([0, 0, 0, 1, 3, 10]); times > 0; times--) {
    const byMs = prng.pick([-hourMs, -60_000, -5_000, 5_000, 60_000, hourMs]);
    time.after(prng.between(0, lengthMs), () => {
      trace.note(`the clock is set by ${byMs / 1_000} s`);
      count("clock set");
      aheadMs += byMs;
    });
  }
  return () => aheadMs;
}
