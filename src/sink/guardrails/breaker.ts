import { type Observable, Subject } from "rxjs";
import type { Journal } from "../../journal/journal.ts";
import type { Outcome, Pause } from "../../journal/sinkJournal.ts";
import type { Reporter } from "../../report.ts";

export type BreakerDeps = {
  readonly journal: Pick<Journal, "pause" | "pauseHistory">;
  readonly now: () => number;
  readonly report: Reporter;
};

/** Whether paying is paused, by a person or by final reverts in a row. The journal says so, to every daemon and command. */
export type Breaker = {
  /** Whether anything new may be signed. Says so when that changes. */
  readonly isPaused: () => Promise<boolean>;
  /** What it answered last. */
  readonly wasPaused: () => boolean;
  /** Somebody resumed. */
  readonly resumed$: Observable<void>;
  /** What the journal is to count with a confirmation that is final. Enough reverts in a row pause the sink. */
  readonly outcome: (reverted: boolean) => Outcome;
};

/** @param revertsToPause Final reverts in a row that pause the sink; 0: none do. */
export function createBreaker({ journal, now, report }: BreakerDeps, revertsToPause: number): Breaker {
  let pause: Pause | undefined;
  /** Reads of the pause that were begun, and the newest one that was told of: answers may come in another order. */
  let asked = 0;
  let told = 0;
  const resumed$ = new Subject<void>();
  const tell = (next: Pause) => {
    if (pause?.at !== next.at || pause.why !== next.why) report({ type: "paused", ...next });
    pause = next;
  };
  return {
    isPaused: async () => {
      asked += 1;
      const turn = asked;
      const found = await journal.pause();
      // Read before anything is believed: a resume that nobody could be told of would be forgotten.
      const [last] = found === undefined && pause !== undefined ? await journal.pauseHistory(1) : [];
      if (turn < told) return pause !== undefined;
      told = turn;
      if (found !== undefined) tell(found);
      else if (pause !== undefined) {
        pause = undefined;
        report({ type: "resumed", who: last?.who ?? "", why: last?.why ?? "" });
        resumed$.next();
      }
      return pause !== undefined;
    },
    wasPaused: () => pause !== undefined,
    resumed$,

    outcome: (reverted) => ({
      reverted,
      pauseAt: (reverts) => {
        if (revertsToPause === 0 || reverts < revertsToPause) return undefined;
        const why = `${reverts} confirmations in a row reverted although their simulation had passed`;
        return { by: "reverts", who: "the daemon", why, at: now() };
      },
    }),
  };
}
