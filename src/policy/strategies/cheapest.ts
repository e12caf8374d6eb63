import { formatOgpu } from "../../protocol/amounts.ts";
import type { Ties } from "../policySpec.ts";
import type { Strategy } from "./strategy.ts";
import { breakTie } from "./strategy.ts";

const open = { kind: "open", reason: "a cheaper one may come" } as const;

/** The lowest price among the eligible, once the window is closed. */
export const cheapest =
  (ties: Ties): Strategy =>
  (contenders, isClosed) => {
    if (!isClosed) return open;
    const prices = contenders.map(({ item }) => item.response.payment).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const [lowest] = prices;
    const equals = contenders.filter(({ item }) => item.response.payment === lowest);
    const winner = breakTie(equals, ties);
    if (!winner) return { kind: "nobody", reason: `${equals.length} ask the same lowest price` };
    const next = prices.find((price) => price !== lowest);
    const beside = next === undefined ? "" : `; the next asks ${formatOgpu(next)}`;
    const price = formatOgpu(winner.item.response.payment);
    return { kind: "winner", winner, reason: `the cheapest of ${contenders.length} eligible: ${price}${beside}` };
  };
