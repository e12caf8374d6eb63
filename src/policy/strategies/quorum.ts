import { zeroAddress } from "../../protocol/brand.ts";
import type { QuorumSpec } from "../policySpec.ts";
import { cheapest } from "./cheapest.ts";
import type { Contender } from "./judged.ts";
import type { Strategy } from "./strategy.ts";

/**
 * As many equal keys as `count` says, each from another master: one operator with many providers has one voice, and a
 * provider without a master has none. Where two groups are equally large, a person decides. Whoever asks more than a ceiling
 * lets pass has a vote, and is not paid.
 */
export const quorum =
  ({ count, pick, without, withinSeconds, decide }: QuorumSpec): Strategy =>
  (contenders, isClosed) => {
    if (decide === "closed" && !isClosed) return { kind: "open", reason: "more may agree, or disagree" };
    const groups = agreeing(contenders, withinSeconds).filter((group) => votesOf(group) >= count);
    const most = Math.max(0, ...groups.map(votesOf));
    const [group, other] = groups.filter((each) => votesOf(each) === most);
    if (group && other) return { kind: "nobody", reason: `two answers have ${most} votes each` };
    if (group) {
      const payable = group.filter(({ item }) => item.isTooDear !== true);
      const chosen = pick === "cheapest" ? cheapestOf(payable) : payable[0];
      const bounded = payable.length < group.length ? " below the ceilings" : "";
      if (chosen) {
        return { kind: "winner", winner: chosen, reason: `${most} masters agree; paid is the ${pick}${bounded}` };
      }
      // To hold one of them would take its vote away: then another answer could win, or none.
      const reason = `${most} masters agree, and a ceiling is below what each of them asks`;
      return { kind: isClosed ? "nobody" : "open", reason };
    }
    const largest = Math.max(0, ...agreeing(contenders, withinSeconds).map(votesOf));
    const reason = `no quorum: ${largest} of ${count} agree`;
    if (!isClosed) return { kind: "open", reason };
    const fallback = without === "first" ? contenders[0] : without === "cheapest" ? cheapestOf(contenders) : undefined;
    if (!fallback) return { kind: "nobody", reason };
    return { kind: "winner", winner: fallback, reason: `${reason}; without one the ${without} is paid` };
  };

const cheapestOf = (contenders: readonly Contender[]): Contender | undefined => {
  if (contenders.length === 0) return undefined;
  const choice = cheapest("earliest")(contenders, true);
  return choice.kind === "winner" ? choice.winner : undefined;
};

const masterOf = ({ item }: Contender): string => item.provider?.master ?? zeroAddress;

const votesOf = (group: readonly Contender[]): number => {
  const masters = new Set(group.map(masterOf));
  masters.delete(zeroAddress);
  return masters.size;
};

/** The groups of equal keys; where time matters, each group's stretch with the most votes. */
function agreeing(
  contenders: readonly Contender[],
  withinSeconds: number | undefined,
): readonly (readonly Contender[])[] {
  const byKey = Map.groupBy(
    contenders.filter(({ assessment }) => assessment.key !== undefined),
    ({ assessment }) => assessment.key,
  );
  const groups = [...byKey.values()];
  if (withinSeconds === undefined) return groups;
  return groups.map((group) => {
    const stretches = group.map(({ item: { response } }) =>
      group.filter(({ item }) => {
        const after = item.response.submittedAt - response.submittedAt;
        return after >= 0 && after <= withinSeconds;
      }),
    );
    return stretches.reduce((most, each) => (votesOf(each) > votesOf(most) ? each : most));
  });
}
