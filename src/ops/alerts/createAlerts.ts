import { interval } from "rxjs";
import type { Clock } from "../../clock.ts";
import type { Report, Reporter } from "../../report.ts";
import type { AlertChange, Notice } from "./alert.ts";
import { type AlertBook, due, noted } from "./alertBook.ts";
import { alertsOf } from "./alertsOf.ts";

export type Alerts = {
  readonly note: Reporter;
  readonly change: (change: AlertChange) => void;
  /** Ends the reminders. */
  readonly stop: () => void;
};

type AlertsOptions = {
  readonly clock: Clock;
  readonly repeatAfterMs: number;
  /** How long a lost endpoint, socket or gateway may stay lost before it is worth a notice. */
  readonly lastingMs: number;
  readonly tell: (notice: Notice) => void;
  /** Asked at each tick: conditions that no report tells of, such as silence. */
  readonly look?: (now: number) => readonly AlertChange[];
};

const tickMs = 5_000;

/** Turns what the pipe reports into few notices: each condition once, with its end; each event once in a while. */
export function createAlerts({ clock, repeatAfterMs, lastingMs, tell, look }: AlertsOptions): Alerts {
  let book: AlertBook = new Map();
  const apply = ([next, notices]: readonly [AlertBook, readonly Notice[]]) => {
    book = next;
    for (const notice of notices) tell(notice);
  };
  const change = (each: AlertChange) => apply(noted(book, each, clock.now(), { repeatAfterMs }));
  let tickedAt = clock.now();
  let wasLate = false;
  /**
   * A process that stood still (its machine was suspended, say) has heard nothing meanwhile, which says nothing of others: what
   * it waits for has its time until the next tick. Where each tick comes late, every second one counts.
   */
  const hasStoodStill = (now: number): boolean => {
    wasLate = !wasLate && now - tickedAt > 2 * tickMs;
    tickedAt = now;
    return wasLate;
  };
  const ticks = interval(tickMs, clock.scheduler).subscribe(() => {
    if (hasStoodStill(clock.now())) return;
    for (const each of look?.(clock.now()) ?? [])
      apply(noted(book, each, clock.now(), { repeatAfterMs, isLook: true }));
    apply(due(book, clock.now(), { repeatAfterMs }));
  });
  return {
    note: (report: Report) => alertsOf(report, lastingMs).forEach(change),
    change,
    stop: () => ticks.unsubscribe(),
  };
}
