import type { Ties } from "../policySpec.ts";
import type { Contender } from "./judged.ts";

/** One of the contenders wins, or none is paid and a person looks. */
type Choice =
  | { readonly kind: "winner"; readonly winner: Contender; readonly reason: string }
  /** Not yet: more may come before the window closes. */
  | { readonly kind: "open"; readonly reason: string }
  | { readonly kind: "nobody"; readonly reason: string };

/**
 * Chooses among the contenders, given in order of submission: at least one. Pure.
 *
 * @param isClosed The window is closed: no more time.
 */
export type Strategy = (contenders: readonly Contender[], isClosed: boolean) => Choice;

/** The one of several equals that wins; `undefined`: a person decides. They are given in order of submission. */
export function breakTie(equals: readonly Contender[], ties: Ties): Contender | undefined {
  const [earliest] = equals;
  if (equals.length < 2 || ties === "earliest") return earliest;
  if (ties === "hold") return undefined;
  return equals.reduce((best, each) => (each.item.response.payment < best.item.response.payment ? each : best));
}
