import { catchError, defer, EMPTY, exhaustMap, merge, type Observable } from "rxjs";
import type { Clock } from "../../clock.ts";
import type { Reporter } from "../../report.ts";

/** One job with its times. Its word on what it did goes to the log. */
export type Job = {
  readonly name: string;
  readonly ticks$: Observable<unknown>;
  readonly work: () => Promise<string>;
};

/**
 * Runs jobs at their times, one at a time: none overlaps another, and a tick that comes while its own job runs or waits
 * is left out. One that fails is reported, and runs again at its next time.
 *
 * @returns what ends it; a job that runs then runs on alone.
 */
export function startHousekeeping(jobs: readonly Job[], clock: Pick<Clock, "now">, report: Reporter): () => void {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
  const run = (job: Job) => async () => {
    const startedAt = clock.now();
    const detail = await job.work();
    report({ type: "job", job: job.name, ok: true, detail, ms: clock.now() - startedAt });
  };
  const runs$ = jobs.map((job) =>
    job.ticks$.pipe(
      exhaustMap(() =>
        defer(() => inTurn(run(job))).pipe(
          catchError((error) => {
            report({ type: "job", job: job.name, ok: false, error });
            return EMPTY;
          }),
        ),
      ),
    ),
  );
  const subscription = merge(...runs$).subscribe();
  return () => subscription.unsubscribe();
}
