import { schedulerOf, type VirtualTime } from "./virtualTime.ts";

/** A process that stands still for a while, as on a machine that is suspended, and then goes on as if nothing had been. */
export type Stalls = {
  /** The process's own time: what is due while it stands still is due when it goes on. */
  readonly time: VirtualTime;
  /** @param ms When it goes on, in virtual milliseconds since 1970. */
  readonly stallUntil: (ms: number) => void;
};

export function createStalls(time: VirtualTime): Stalls {
  let until = 0;
  /** What is skipped, it stands still for in any case. */
  const now = () => time.now() - time.skipped();
  const after: VirtualTime["after"] = (ms, work) => {
    let cancel: () => void;
    const fire = () => {
      if (now() < until) cancel = time.after(until - now(), fire);
      else work();
    };
    cancel = time.after(ms, fire);
    return () => cancel();
  };
  return {
    time: { ...time, after, clock: (isAlive) => ({ now: time.now, scheduler: schedulerOf(after, time.now, isAlive) }) },
    stallUntil: (ms) => {
      until = ms - time.skipped();
    },
  };
}
