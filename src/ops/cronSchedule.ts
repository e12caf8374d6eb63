import { createTask } from "node-cron";
import { Observable } from "rxjs";

const silent = { info() {}, warn() {}, error() {}, debug() {} };

/** How often the clock is looked at, and by how much it must have gone back; by less, the next tick comes later by as much. */
const minuteMs = 60_000;

/**
 * Ticks at the times of a cron expression, in UTC. Cold; never completes; unsubscribing stops the job.
 *
 * A tick that the process was too busy to give on time comes late instead of not at all; of several that are due at once, the
 * first comes for all of them: a clock that was years behind passes over a hundred thousand. After a clock that was ahead is
 * set back, ticks go by what it says then, so that times may come again. Ticks do not wait for what the
 * consumer does with them: use `exhaustMap` where one run must not overlap the next.
 * @param expression five fields, or six with seconds first.
 */
export function cron$(expression: string): Observable<Date> {
  return new Observable((subscriber) => {
    // It is never started: its own timer hands out each time that was missed, one by one.
    const times = createTask(expression, () => undefined, { timezone: "UTC", logger: silent });
    const next = () => times.getNextRuns(1)[0] ?? new Date(8.64e15);
    let planned = next();
    let seenAt = Date.now();
    let timer: NodeJS.Timeout;
    const look = () => {
      const now = Date.now();
      const isBack = now < seenAt - minuteMs;
      if (isBack) planned = next();
      seenAt = isBack ? now : Math.max(seenAt, now);
      if (now >= planned.getTime()) {
        const date = planned;
        planned = next();
        subscriber.next(date);
      }
      if (!subscriber.closed) wait();
    };
    const wait = () => {
      timer = setTimeout(look, Math.min(minuteMs, Math.max(0, planned.getTime() - Date.now())));
    };
    wait();
    return () => {
      clearTimeout(timer);
      void times.destroy();
    };
  });
}
