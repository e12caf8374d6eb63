import type { Incarnation } from "./incarnation.ts";
import type { Prng } from "./prng.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtualTime.ts";

export type DeploysDeps = {
  readonly prng: Prng;
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly count: (what: string) => void;
  readonly incarnation: () => Incarnation | undefined;
  readonly start: () => void;
};

/** Milliseconds that a service manager gives a daemon to end by itself. */
const graceMs = 30_000;

/**
 * Somebody who stops the daemon now and then and starts it again, as an upgrade does: one that has something in flight still when the
 * grace is over is killed.
 * @param lengthMs The time in which that happens. @returns tells it that a daemon has ended; `false`: it is none that was stopped here.
 */
export function startDeploys({ prng, time, trace, count, incarnation, start }: DeploysDeps, lengthMs: number) {
  let stopped: Incarnation | undefined;
  const startAgain = (old: Incarnation, how: string) => {
    if (stopped !== old || !old.isAlive()) return;
    stopped = undefined;
    trace.note(`the daemon that was stopped ${how}`);
    count(`a daemon that was stopped ${how}`);
    old.kill();
    time.after(prng.pick([50, 5_000, 60_000]), start);
  };
  const stop = () => {
    const old = incarnation();
    if (!old?.isAlive()) return;
    trace.note("somebody stops the daemon");
    stopped = old;
    old.stop();
    time.after(graceMs, () => startAgain(old, "is killed"));
  };
  for (let times = prng.pick([0, 0, 0, 1, 2]); times > 0; times--) time.after(prng.between(20_000, lengthMs), stop);
  return (ended: Incarnation | undefined): boolean => {
    if (ended === undefined || stopped !== ended) return false;
    startAgain(ended, "ends");
    return true;
  };
}
