import type { Clock } from "../clock.ts";
import type { Reporter } from "../report.ts";
import type { ScanStep } from "./scanner.ts";

/** A backlog smaller than this is everyday life. */
const worthTelling = 100n;
const everyMs = 1_000;

/** Reports how a scan catches up, once a second at the most: blocks and events a second, and how long it will take. */
export function createProgress(start: bigint, clock: Clock, report: Reporter): (step: ScanStep) => void {
  const startedAt = clock.now();
  let toldAt = Number.NEGATIVE_INFINITY;
  let events = 0;
  return ({ cursor: { number: block }, events: { length }, head }) => {
    events += length;
    const now = clock.now();
    if (head - start < worthTelling || now - toldAt < everyMs) return;
    toldAt = now;
    const seconds = Math.max(1, now - startedAt) / 1000;
    const blocksPerSecond = Math.round(Number(block - start) / seconds);
    const eta = blocksPerSecond > 0 ? Math.ceil(Number(head - block) / blocksPerSecond) : Number.POSITIVE_INFINITY;
    report({ type: "progress", block, head, blocksPerSecond, eventsPerSecond: Math.round(events / seconds), eta });
  };
}
