import { schedule, validateDetailed } from "node-cron";
import { Observable } from "rxjs";

const silent = { info() {}, warn() {}, error() {}, debug() {} };

/**
 * Ticks at the times of a cron expression. Cold; never completes; unsubscribing stops the job.
 *
 * A tick that the process was too busy to give on time comes late instead of not at all. Ticks do not wait for what the
 * consumer does with them: use `exhaustMap` where one run must not overlap the next.
 * @param expression five fields, or six with seconds first.
 */
export function cron$(expression: string, { timezone = "UTC" }: { timezone?: string } = {}): Observable<Date> {
  return new Observable((subscriber) => {
    const job = schedule(expression, ({ date }) => subscriber.next(date), { timezone, logger: silent });
    job.on("execution:missed", ({ date }) => subscriber.next(date));
    return () => void job.destroy();
  });
}

/** What is wrong with a cron expression, or `undefined`. */
export function validateCron(expression: string): string | undefined {
  const { valid, errors } = validateDetailed(expression);
  return valid ? undefined : (errors[0]?.message ?? "not a cron expression");
}
