import { steadyClock } from "../clock.ts";
import type { Config } from "../config/schema.ts";
import type { Logger } from "../ops/logger.ts";
import { createSupervisor, type Supervisor } from "../ops/supervise.ts";
import { createNotifier, watchdogInterval } from "../ops/systemdNotify.ts";
import type { Context } from "./context.ts";

/** Milliseconds between two status lines at the most. */
const slowestBeatMs = 15_000;
/** A look fetches, asks judges and evaluates, all of it under limits of its own that are far below. */
const lookPatienceMs = 30 * 60_000;
/** Of one endpoint, one after the other: who it is, what it can do, what it takes of logs, and a balance; each may wait for its turn as well. */
const requestsAtStart = 30;

/**
 * What tells systemd how the daemon is; without systemd it keeps the vitals all the same.
 * @param onStalled Told why the pipe stands still, and of `undefined` when it moves again.
 */
export function openSupervisor(
  { env, monotonicMicros }: Pick<Context, "env" | "monotonicMicros">,
  { rpc }: Pick<Config, "rpc">,
  logger: Logger,
  onStalled: (reason: string | undefined) => void,
): Supervisor {
  const halfPeriod = watchdogInterval(env) ?? 90_000;
  return createSupervisor(
    {
      notifier: createNotifier({ socketPath: env.NOTIFY_SOCKET, logger }),
      clock: steadyClock,
      monotonicMicros,
      onStall: (reason) => {
        logger.error({ reason }, "the pipe stands still: its supervisor is given no sign of life");
        onStalled(reason);
      },
      onRecovery: () => {
        logger.warn("the pipe moves again");
        onStalled(undefined);
      },
    },
    {
      everyMs: Math.min(halfPeriod, slowestBeatMs),
      // One step may ask several endpoints, one after the other.
      patienceMs: Math.max(2 * halfPeriod, 4 * rpc.timeout),
      lookPatienceMs,
      startMs: requestsAtStart * rpc.timeout,
    },
  );
}
