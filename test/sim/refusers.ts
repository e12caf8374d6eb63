import type { Hex } from "../../src/protocol/brand.ts";
import type { Faults } from "./faults.ts";
import type { ModelTransaction } from "./mempool.ts";
import type { Prng } from "./prng.ts";

/** What nodes refuse for good, as they say: one answer, some bytes, or everything that confirms a response. */
export type Refusers = {
  /** Whether the node of that number refuses it now. */
  readonly refuses: (node: number, transaction: ModelTransaction) => boolean;
};

export type RefusersDeps = {
  readonly faults: Faults;
  readonly prng: Prng;
  readonly onRefusal: (transaction: ModelTransaction) => void;
};

/** Who refuses: all nodes, or one of them. */
type Who = "all" | "nobody" | number;

export function createRefusers({ faults, prng, onRefusal }: RefusersDeps): Refusers {
  const drawn = new Map<Hex, Who>();
  const isRefused = (node: number, what: Hex, fault: "hopeless bytes" | "hopeless call"): boolean => {
    let who = drawn.get(what);
    if (who === undefined) {
      who = !faults.strikes(fault) ? "nobody" : prng.chance(0.7) ? "all" : node;
      drawn.set(what, who);
    }
    return who === "all" || who === node;
  };
  return {
    refuses: (node, transaction) => {
      const { hash, action } = transaction;
      const refused =
        isRefused(node, hash, "hopeless bytes") ||
        (action.type === "confirm" && isRefused(node, action.response, "hopeless call")) ||
        faults.strikes("hopeless answer");
      if (refused) onRefusal(transaction);
      return refused;
    },
  };
}
