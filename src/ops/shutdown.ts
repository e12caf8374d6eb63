import { firstValueFrom, from, map, merge, Subject, timer } from "rxjs";
import { type Clock, systemClock } from "../clock.ts";
import type { Logger } from "./logger.ts";

/** `clean`: every step succeeded; `failed`: one threw; `late`: the grace ran out; `forced`: asked a second time. */
type ShutdownOutcome = "clean" | "failed" | "late" | "forced";

export type Shutdown = {
  /** Adds a step. Steps run one after the other, in the order in which they were added. */
  readonly add: (name: string, step: () => Promise<void> | void) => void;
  /** Runs the steps once. A second call ends the first at once, as a second Ctrl-C should. */
  readonly run: (reason: string) => Promise<ShutdownOutcome>;
  readonly started: () => boolean;
};

type ShutdownOptions = {
  readonly logger: Logger;
  /** How long all steps together may take, in ms. */
  readonly graceMs: number;
  readonly clock?: Clock;
};

/** Stops the daemon's parts in order, and never hangs: a step that fails or stalls does not keep the process alive. */
export function createShutdown({ logger, graceMs, clock = systemClock }: ShutdownOptions): Shutdown {
  const steps: { readonly name: string; readonly step: () => Promise<void> | void }[] = [];
  const force$ = new Subject<void>();
  let running: Promise<ShutdownOutcome> | undefined;
  let current = "none";
  let over = false;

  const runSteps = async (): Promise<ShutdownOutcome> => {
    let outcome: ShutdownOutcome = "clean";
    for (const { name, step } of steps) {
      if (over) break;
      current = name;
      try {
        await step();
      } catch (err) {
        outcome = "failed";
        logger.error({ err, step: name }, "shutdown step failed; the next ones still run");
      }
    }
    return outcome;
  };

  const begin = async (reason: string): Promise<ShutdownOutcome> => {
    const startedAt = clock.now();
    logger.info({ reason, graceMs }, "stopping");
    const outcome = await firstValueFrom(
      merge(
        force$.pipe(map((): ShutdownOutcome => "forced")),
        timer(graceMs, clock.scheduler).pipe(map((): ShutdownOutcome => "late")),
        from(runSteps()),
      ),
    );
    over = true;
    const fields = { outcome, ms: clock.now() - startedAt };
    if (outcome === "clean") logger.info(fields, "stopped");
    else logger.warn({ ...fields, step: current }, "stopped, but not cleanly");
    return outcome;
  };

  return {
    add: (name, step) => void steps.push({ name, step }),
    run: (reason) => {
      if (running) force$.next();
      else running = begin(reason);
      return running;
    },
    started: () => running !== undefined,
  };
}
