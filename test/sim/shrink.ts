import { type SimulationOptions, type SimulationResult, simulate } from "./simulate.ts";

/** A failing run with as few faults as still make it fail. */
export type Shrunk = {
  /** Faults strike until this event of virtual time, and not after. */
  readonly faultLimit: number;
  readonly result: SimulationResult;
};

/**
 * Finds the shortest prefix of faults that still violates the same invariant, by bisection; where a shorter one fails
 * in another way, or a longer one not at all, it is passed over.
 */
export async function shrink(options: SimulationOptions, failed: SimulationResult): Promise<Shrunk> {
  const invariant = failed.violation?.invariant;
  let best: Shrunk = { faultLimit: failed.steps, result: failed };
  let low = 0;
  let high = Math.min(failed.steps, options.faultLimit ?? failed.steps);
  while (low < high) {
    const faultLimit = (low + high) >> 1;
    const result = await simulate({ ...options, faultLimit });
    if (result.violation?.invariant === invariant) {
      best = { faultLimit, result };
      high = faultLimit;
    } else {
      low = faultLimit + 1;
    }
  }
  return best;
}
