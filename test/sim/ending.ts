import { ceilingsOf, type Guardrails, longestWindow } from "./guardrails.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Oracle, Violation } from "./oracle.ts";
import type { Prng } from "./prng.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtualTime.ts";

export type EndingDeps = {
  readonly oracle: Oracle;
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly prng: Prng;
  readonly guardrails: Guardrails;
  readonly incarnation: () => Incarnation | undefined;
  readonly ousted: () => Incarnation | undefined;
  readonly hasStopped: () => boolean;
  readonly onDone: () => void;
};

/** Virtual time, in ms, in which everything must be done once the faults have ended. */
const patienceMs = 900_000;
/** The same in which a ceiling that has room lets go of what it holds. */
const letGoMs = 90_000;
/** A payment counts for less than this longer than its hour or its day. */
const longerMs = 60_000;
/** Virtual time, in ms, that an idle daemon has to stop in. */
const stopMs = 60_000;
const lookAgainMs = 5_000;

/** Waits until everything is done; what ceilings hold is let go by and by. Then the daemon is asked to stop. */
export function startEnding(deps: EndingDeps): void {
  const { oracle, time, trace, prng, guardrails, incarnation, ousted, hasStopped, onDone } = deps;
  const windowMs = longestWindow(guardrails);
  /** It waits at one ceiling at a time, and those that wait at the others may pass it: at each it is passed once at the most. */
  const mostWindows = ceilingsOf(guardrails).length + Number(guardrails.options.gasPerDay !== undefined);
  let since = time.now();
  let lookedAt = time.now();
  /** The first of those that are held, and how often every window has passed since. */
  let due = { id: 0, windows: 0 };

  const finish = () => {
    oracle.checkEnd();
    incarnation()?.stop();
    time.after(stopMs, () => {
      if (!hasStopped()) oracle.fail("stops", `the daemon did not end within ${stopMs} ms, with nothing in flight`);
      onDone();
    });
  };

  const stillOpen = (): readonly Violation[] => {
    if (ousted()?.isAlive()) return [{ invariant: "ousted-ends", what: "a daemon that lost its keys goes on" }];
    return incarnation()?.isAlive() ? oracle.open() : [{ invariant: "running", what: "there is no daemon" }];
  };

  /** Less than a window lets go of nothing early. */
  const passTime = () => {
    const held = oracle.ceilings.firstHeld();
    if (due.id !== held?.id) due = { id: held?.id ?? 0, windows: 0 };
    if (held !== undefined && due.windows >= mostWindows) {
      oracle.fail("held-is-let-go", `confirmation ${held.id} of ${held.response} is held, and every window has passed`);
    }
    const isWhole = prng.chance(0.6);
    const ms = isWhole ? windowMs + longerMs : windowMs * prng.pick([0.5, 0.9]);
    trace.note(`${ms / 1_000} s go by`);
    time.skip(ms);
    if (isWhole) due = { ...due, windows: due.windows + 1 };
    since = time.now();
    lookedAt = since;
  };

  const look = () => {
    const open = stillOpen();
    if (open.length === 0) return finish();
    const [{ invariant, what } = { invariant: "settled", what: "" }] = open;
    if (time.now() - since >= patienceMs) {
      return oracle.fail(`eventually-${invariant}`, `${what} (and ${open.length - 1} more)`);
    }
    if (oracle.ceilings.isPaused()) {
      lookedAt = time.now();
      incarnation()
        ?.resume()
        .then(oracle.ceilings.resumed, () => undefined);
    }
    if (windowMs > 0 && time.now() - lookedAt >= letGoMs) passTime();
    time.after(lookAgainMs, look);
  };
  time.after(30_000, look);
  time.after(60_000, oracle.ceilings.calm);
}
