import type { Report, Reporter } from "../report.ts";

export type LaterReporter = {
  readonly report: Reporter;
  /** Tells what has not been told yet. */
  readonly flush: () => void;
};

/** Reports that wait at the most; one more, and all are told at once. */
const limit = 1_000;

/**
 * Tells onlookers at the end of the event loop's turn, in order: what a report is told of goes on first. Somebody waits to be
 * paid while a line is written for the log.
 *
 * @param atEndOfTurn Runs something when the turn's own work is done.
 */
export function tellLater(
  report: Reporter,
  atEndOfTurn: (work: () => void) => unknown = (work) => setImmediate(work),
): LaterReporter {
  let waiting: Report[] = [];
  const flush = () => {
    const told = waiting;
    waiting = [];
    for (const each of told) report(each);
  };
  return {
    report: (each) => {
      waiting.push(each);
      if (waiting.length === 1) atEndOfTurn(flush);
      else if (waiting.length > limit) flush();
    },
    flush,
  };
}
