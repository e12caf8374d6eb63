import type { Report, Reporter } from "../report.ts";

type LaterReporter = {
  readonly report: Reporter;
  /** Tells what has not been told yet. */
  readonly flush: () => void;
};

/** Reports that wait at the most; one more, and all are told at once. */
const limit = 1_000;
/** Milliseconds. A payment is on its way by then; at the end of the turn the node would still work on it, on the same processors. */
const laterMs = 10;

/**
 * Tells onlookers a moment later, in order: what a report is told of goes on first. Somebody waits to be paid while a line is
 * written for the log.
 *
 * @param later Runs something a moment later.
 */
export function tellLater(
  report: Reporter,
  later: (work: () => void) => unknown = (work) => setTimeout(work, laterMs),
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
      if (waiting.length === 1) later(flush);
      else if (waiting.length > limit) flush();
    },
    flush,
  };
}
