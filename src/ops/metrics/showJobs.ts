import type { Job } from "../housekeeping/startHousekeeping.ts";
import type { Metrics } from "./createMetrics.ts";

/** Shows which jobs of housekeeping there are: one that never succeeds is told from one that is switched off. @param now In ms. */
export function showJobs(metrics: Pick<Metrics, "set">, jobs: readonly Pick<Job, "name">[], now: number): void {
  for (const { name } of jobs) metrics.set("housekeeping_since_timestamp_seconds", now / 1000, { job_name: name });
}
