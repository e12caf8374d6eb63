import { schedule, validateDetailed } from "node-cron";
import { Observable } from "rxjs";

const silent = { info() {}, warn() {}, error() {}, debug() {} };

/** How often the clock is looked at, and by how much it must have gone back; by less, the next tick comes later by as much. */
const minuteMs = 60_000;

/**
 * Ticks at the times of a cron expression. Cold; never completes; unsubscribing stops the job.
 *
 * A tick that the process was too busy to give on time comes late instead of not at all. After a clock that was ahead is
 * set back, ticks go by what it says then, so that times may come again. Ticks do not wait for what the
 * consumer does with them: use `exhaustMap` where one run must not overlap the next.
 * @param expression five fields, or six with seconds first.
 */
export function cron$(expression: string, { timezone = "UTC" }: { timezone?: string } = {}): Observable<Date> {
  return new Observable((subscriber) => {
    let seenAt = Date.now();
    const tick = ({ date }: { readonly date: Date }) => {
      seenAt = Math.max(seenAt, Date.now());
      subscriber.next(date);
    };
    const begin = () => {
      const started = schedule(expression, tick, { timezone, logger: silent });
      started.on("execution:missed", tick);
      return started;
    };
    let job = begin();
    // node-cron waits for the time that it has planned, however far a clock that is set back is from it then.
    const looks = setInterval(() => {
      const now = Date.now();
      if (now < seenAt - minuteMs) {
        void job.destroy();
        job = begin();
        seenAt = now;
      }
      seenAt = Math.max(seenAt, now);
    }, minuteMs);
    return () => {
      clearInterval(looks);
      void job.destroy();
    };
  });
}

/** What is wrong with a cron expression, or `undefined`. */
export function validateCron(expression: string): string | undefined {
  const { valid, errors } = validateDetailed(expression);
  return valid ? undefined : (errors[0]?.message ?? "not a cron expression");
}
