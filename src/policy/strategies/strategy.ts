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
