import { asyncScheduler, type SchedulerLike } from "rxjs";

/** Time as the pipeline, the policies and the sink see it; a simulator supplies a virtual one. */
export type Clock = {
  /** Milliseconds since 1970. For durations and log records; expiry is judged by the chain's clock. */
  readonly now: () => number;
  /** Drives every timer. */
  readonly scheduler: SchedulerLike;
};

export const systemClock: Clock = { now: () => Date.now(), scheduler: asyncScheduler };

/**
 * The same for durations alone: it goes on evenly, whatever the machine's clock is set to. A rest that was to take seconds would take
 * as long as that is set back.
 */
export const steadyClock: Clock = {
  now: () => Math.round(performance.timeOrigin + performance.now()),
  scheduler: asyncScheduler,
};
