import type { Ties } from "../policySpec.ts";
import { type Contender, hold } from "./judged.ts";
import type { Strategy } from "./strategy.ts";
import { breakTie } from "./ties.ts";

const open = { kind: "open", reason: "a better one may come" } as const;
const scoreOf = ({ assessment }: Contender): number | bigint => assessment.score ?? 0;

/** The highest score among the eligible, once the window is closed. */
export const best =
  (ties: Ties): Strategy =>
  (contenders, isClosed) => {
    if (!isClosed) return open;
    const highest = contenders.map(scoreOf).reduce((a, b) => (b > a ? b : a));
    const equals = contenders.filter((each) => scoreOf(each) === highest);
    const winner = breakTie(equals, ties);
    if (!winner) return { kind: "nobody", decision: hold(`${equals.length} have the same highest score`) };
    return { kind: "winner", winner, reason: `the best of ${contenders.length} eligible: score ${highest}` };
  };
