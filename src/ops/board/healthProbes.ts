import { type Clock, systemClock } from "../../clock.ts";
import { describeError } from "../../errors.ts";
import type { Logger } from "../logger.ts";
import type { Funds, Readiness } from "./readiness.ts";

export type HealthProbeOptions = {
  readonly readiness: Pick<Readiness, "sawJournal" | "sawFunds">;
  /** Writes something to the journal. */
  readonly writeJournal: () => Promise<void>;
  /** `undefined` without a key. */
  readonly readFunds: (() => Promise<Funds>) | undefined;
  readonly onFunds: (funds: Funds) => void;
  readonly logger: Logger;
  readonly clock?: Pick<Clock, "now">;
  /** @default 15 seconds */
  readonly everyMs?: number;
};

/** Tries now and then what nobody reports: whether the journal takes a write, and what the key can pay. Answers the end. */
export function startHealthProbes(options: HealthProbeOptions): () => void {
  const { readiness, writeJournal, readFunds, onFunds, logger, clock = systemClock, everyMs = 15_000 } = options;
  let lastProblem: string | undefined;
  let fundsReadAt = Number.NEGATIVE_INFINITY;
  let busy = false;

  const probe = async () => {
    const problem = await writeJournal().then(
      () => undefined,
      (error) => `cannot be written: ${describeError(error)}`,
    );
    readiness.sawJournal(problem);
    if (problem !== lastProblem)
      logger[problem === undefined ? "info" : "error"]({ problem }, "the journal's state changed");
    lastProblem = problem;
    if (readFunds === undefined || clock.now() - fundsReadAt < everyMs * 3) return;
    try {
      const funds = await readFunds();
      fundsReadAt = clock.now();
      readiness.sawFunds(funds);
      onFunds(funds);
    } catch (err) {
      logger.debug({ err }, "the key's balance could not be read");
    }
  };
  const tick = () => {
    if (busy) return;
    busy = true;
    void probe().finally(() => {
      busy = false;
    });
  };
  tick();
  const timer = setInterval(tick, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
