import type { Ties } from "../policySpec.ts";
import type { Contender } from "./judged.ts";

/** The one of several equals that wins; `undefined`: a person decides. They are given in order of submission. */
export function breakTie(equals: readonly Contender[], ties: Ties): Contender | undefined {
  const [earliest] = equals;
  if (equals.length < 2 || ties === "earliest") return earliest;
  if (ties === "hold") return undefined;
  return equals.reduce((best, each) => (each.item.response.payment < best.item.response.payment ? each : best));
}
