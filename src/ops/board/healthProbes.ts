import { describeError } from "../../errors.ts";
import type { Logger } from "../logger.ts";
import type { Readiness } from "./readiness.ts";

type HealthProbeOptions = {
  readonly readiness: Pick<Readiness, "sawJournal">;
  /** Writes something to the journal. */
  readonly writeJournal: () => Promise<void>;
  readonly logger: Logger;
};

const everyMs = 15_000;

/** Tries now and then what nobody reports: whether the journal takes a write. Answers the end. */
export function startHealthProbes({ readiness, writeJournal, logger }: HealthProbeOptions): () => void {
  let lastProblem: string | undefined;
  let busy = false;
  let isOver = false;

  const probe = async () => {
    const problem = await writeJournal().then(
      () => undefined,
      (error) => `cannot be written: ${describeError(error)}`,
    );
    // It may have been closed meanwhile.
    if (isOver) return;
    readiness.sawJournal(problem);
    if (problem !== lastProblem)
      logger[problem === undefined ? "info" : "error"]({ problem }, "the journal's state changed");
    lastProblem = problem;
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
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}
