import { interval, type Subscription } from "rxjs";
import type { Clock } from "../clock.ts";
import type { Journal } from "../journal/journal.ts";
import type { Wei } from "../protocol/brand.ts";
import type { Report, Reporter } from "../report.ts";
import { statusLine } from "./statusLine.ts";
import type { Notifier } from "./systemdNotify.ts";
import { live, unborn, type Vitals, whyStalled } from "./vitals.ts";

type SupervisorDeps = {
  readonly notifier: Notifier;
  /** It goes on evenly. */
  readonly clock: Clock;
  /** `CLOCK_MONOTONIC` in microseconds. */
  readonly monotonicMicros?: (() => bigint) | undefined;
  readonly onStall: (reason: string) => void;
  readonly onRecovery: () => void;
};

type SupervisorOptions = {
  /** Milliseconds between two signs of life to systemd. */
  readonly everyMs: number;
  /** How long the scanner may owe a sign of life. */
  readonly patienceMs: number;
  /** How long one look at a task may take before it counts as hung. */
  readonly lookPatienceMs: number;
  /** How long a start may take until the pipe can show progress. */
  readonly startMs: number;
};

/** What the status line tells of. */
type Supervised = {
  readonly journal: Pick<Journal, "figures" | "pause">;
  /** When the oldest look at a task that still goes on began, by the supervisor's clock. */
  readonly oldestLook: () => number | undefined;
  /** Wei of the last 24 hours. */
  readonly paidLately: () => Promise<Wei>;
};

export type Supervisor = {
  /** Listens to what the pipe reports. */
  readonly note: Reporter;
  readonly vitals: () => Vitals;
  /** Why the pipe stands still now; `undefined` while it moves, or owes nothing. */
  readonly stalled: () => string | undefined;
  /** The same, once it has lasted for the patience again: a watchdog would have ended the daemon by now. */
  readonly overdue: () => string | undefined;
  /** Asks systemd, once, for the time that what comes before the pipe may take. */
  readonly starting: () => void;
  /** Begins to tell systemd. */
  readonly start: (supervised: Supervised) => void;
  /** Tells that the daemon stops. */
  readonly stop: () => void;
  /** Resolves when systemd was told everything. */
  readonly drained: () => Promise<void>;
};

/**
 * Tells systemd how the daemon is: READY once the backfill has reached the head, a sign of life while the pipe makes
 * progress, a status line, RELOADING and READY around a reload, STOPPING. Where there is no systemd, probes ask it.
 */
export function createSupervisor(deps: SupervisorDeps, options: SupervisorOptions): Supervisor {
  const { notifier, clock, monotonicMicros, onStall, onRecovery } = deps;
  const { everyMs, patienceMs, lookPatienceMs, startMs } = options;
  let vitals = unborn;
  let isReady = false;
  let isStalled = false;
  let status = "";
  let beats: Subscription | undefined;
  let watched: Supervised | undefined;

  const announce = () => {
    if (isReady || beats === undefined || !vitals.caughtUp) return;
    isReady = true;
    status = statusLine({ vitals, now: clock.now() });
    notifier.ready(status);
  };

  const note = (report: Report) => {
    vitals = live(vitals, report, clock.now());
    announce();
    if (report.type !== "reload" || !isReady) return;
    if (report.stage === "began") return notifier.reloading(monotonicMicros?.());
    notifier.ready(report.problems === undefined ? status : "the policies on disk are refused; the ones before stay");
  };

  const whyHung = (furtherMs: number): string | undefined => {
    if (watched === undefined) return undefined;
    const now = clock.now();
    const oldestLook = watched.oldestLook();
    if (oldestLook !== undefined && now - oldestLook > lookPatienceMs + furtherMs)
      return `a look at a task hangs for ${Math.round((now - oldestLook) / 1_000)}s`;
    return whyStalled(vitals, now, patienceMs + furtherMs);
  };

  const beat = async (supervised: Supervised) => {
    const stalled = whyHung(0);
    if (stalled === undefined) {
      if (isReady) notifier.watchdog();
      else notifier.extendStart(4 * everyMs + patienceMs);
      if (isStalled) onRecovery();
    } else if (!isStalled) onStall(stalled);
    isStalled = stalled !== undefined;
    const told = await tell(supervised, stalled);
    if (told !== status && beats !== undefined) notifier.status(told);
    status = told;
  };

  const tell = async ({ journal, paidLately }: Supervised, stalled: string | undefined): Promise<string> => {
    const now = clock.now();
    try {
      const [figures, paid, pause] = [await journal.figures(), await paidLately(), await journal.pause()];
      return statusLine({ vitals, now, stalled, figures: { ...figures, paid }, pause: pause?.why });
    } catch {
      return statusLine({ vitals, now, stalled: stalled ?? "the journal does not answer" });
    }
  };

  return {
    note,
    vitals: () => vitals,
    stalled: () => whyHung(0),
    overdue: () => whyHung(patienceMs),
    starting: () => notifier.extendStart(startMs),
    start: (supervised) => {
      watched ??= supervised;
      beats ??= interval(everyMs, clock.scheduler).subscribe(() => void beat(supervised));
      announce();
    },
    stop: () => {
      beats?.unsubscribe();
      beats = undefined;
      watched = undefined;
      notifier.stopping();
    },
    drained: notifier.drained,
  };
}
