import { setImmediate } from "node:timers/promises";
import { VirtualTimeScheduler } from "rxjs";
import type { Clock } from "../../src/clock.ts";

/** A clock that stands still until a test moves it; promises get their turn between any two timers. */
export type VirtualTime = {
  readonly clock: Clock;
  /** @param ms In steps, so that what promises start is timed from then. */
  readonly pass: (ms: number) => Promise<void>;
};

const stepMs = 50;

export function createVirtualTime(): VirtualTime {
  const scheduler = new VirtualTimeScheduler(undefined, 0);
  let time = 0;
  const settle = async () => {
    for (let turn = 0; turn < 3; turn++) await setImmediate();
  };
  return {
    clock: { now: () => time, scheduler },
    pass: async (ms) => {
      await settle();
      for (const end = time + ms; time < end; ) {
        time = Math.min(end, time + stepMs);
        scheduler.maxFrames = time;
        scheduler.flush();
        scheduler.frame = time;
        await settle();
      }
    },
  };
}
