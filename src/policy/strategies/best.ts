import type { Ties } from "../policySpec.ts";
import type { Contender } from "./judged.ts";
import type { Strategy } from "./strategy.ts";
import { breakTie } from "./strategy.ts";

const open = { kind: "open", reason: "a better one may come" } as const;
type Scored = Contender & { readonly score: number | bigint };

const scored = (contender: Contender): readonly Scored[] => {
  const { score } = contender.assessment;
  return score === undefined ? [] : [{ ...contender, score }];
};

/** The highest score among the eligible, once the window is closed. */
export const best =
  (ties: Ties): Strategy =>
  (contenders, isClosed) => {
    if (!isClosed) return open;
    const known = contenders.flatMap(scored);
    // Without its score nobody can tell whether it is the best: 0 would be a guess.
    if (known.length < contenders.length) return { kind: "nobody", reason: "the plug-in gave no score" };
    const highest = known.map(({ score }) => score).reduce((a, b) => (b > a ? b : a));
    // By comparison: an integer is a bigint, and `3n === 3` is false.
    const equals = known.filter(({ score }) => score >= highest);
    const winner = breakTie(equals, ties);
    if (!winner) return { kind: "nobody", reason: `${equals.length} have the same highest score` };
    return { kind: "winner", winner, reason: `the best of ${contenders.length} eligible: score ${highest}` };
  };
