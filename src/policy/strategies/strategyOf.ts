import type { StrategySpec } from "../policySpec.ts";
import { best } from "./best.ts";
import { cheapest } from "./cheapest.ts";
import { quorum } from "./quorum.ts";
import type { Strategy } from "./strategy.ts";

/** The earliest submitted response that is eligible. */
const first: Strategy = ([winner]) => {
  if (winner === undefined) throw new TypeError("nobody to choose from");
  return { kind: "winner", winner, reason: "eligible, and the first" };
};

/** Nobody is paid until a person says so. */
const manual: Strategy = (_contenders, isClosed) =>
  isClosed
    ? { kind: "nobody", reason: "eligible: a person decides" }
    : { kind: "open", reason: "a person decides when the window closes" };

/** The strategy that a file names. */
export function strategyOf({ name, ties, quorum: terms }: StrategySpec): Strategy {
  switch (name) {
    case "first":
      return first;
    case "best":
      return best(ties);
    case "cheapest":
      return cheapest(ties);
    case "manual":
      return manual;
    case "quorum":
      if (!terms) throw new TypeError("a quorum has terms");
      return quorum(terms);
    default:
      return name satisfies never;
  }
}
