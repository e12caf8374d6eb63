import { type Guardrails, longestWindow } from "./guardrails.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Oracle } from "./oracle.ts";
import type { Prng } from "./prng.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtualTime.ts";

export type OperatorDeps = {
  readonly oracle: Oracle;
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly prng: Prng;
  readonly guardrails: Guardrails;
  readonly incarnation: () => Incarnation | undefined;
  readonly count: (what: string) => void;
};

/**
 * Somebody who pauses paying now and then, and looks in to resume, also after reverts. In some runs under ceilings the machine
 * is suspended for a while.
 * @param lengthMs The time in which that happens.
 */
export function startOperator(deps: OperatorDeps, lengthMs: number): void {
  const { oracle, time, trace, prng, guardrails, incarnation, count } = deps;
  const { paused, resumed, isPaused } = oracle.ceilings;
  const living = () => {
    const found = incarnation();
    return found?.isAlive() ? found : undefined;
  };
  const pause = () => {
    trace.note("somebody pauses paying");
    living()
      ?.pause()
      .then(
        () => {
          count("pause");
          paused();
        },
        () => undefined,
      );
  };
  const lookIn = () => {
    if (isPaused()) {
      trace.note("somebody resumes paying");
      living()
        ?.resume()
        .then(resumed, () => undefined);
    }
    time.after(prng.between(15_000, 60_000), lookIn);
  };
  for (let index = 0; index < guardrails.pauses; index++) time.after(prng.between(1_000, lengthMs), pause);
  if (guardrails.pauses > 0 || guardrails.options.revertsToPause > 0) lookIn();
  const windowMs = longestWindow(guardrails);
  if (windowMs === 0 || !prng.chance(0.3)) return;
  time.after(prng.between(40_000, lengthMs), () => {
    trace.note("the machine is suspended");
    count("suspended");
    time.skip(prng.chance(0.5) ? windowMs / 2 : windowMs + prng.between(0, 120_000));
  });
}
