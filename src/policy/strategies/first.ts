import type { Strategy } from "./strategy.ts";

/** The earliest submitted response that is eligible. */
export const first: Strategy = ([winner]) => {
  if (winner === undefined) throw new TypeError("nobody to choose from");
  return { kind: "winner", winner, reason: "eligible, and the first" };
};
