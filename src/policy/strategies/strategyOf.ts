import type { StrategySpec } from "../policySpec.ts";
import { best } from "./best.ts";
import { cheapest } from "./cheapest.ts";
import { first } from "./first.ts";
import { manual } from "./manual.ts";
import { quorum } from "./quorum.ts";
import type { Strategy } from "./strategy.ts";

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
