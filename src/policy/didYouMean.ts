import { nearest } from "../config/nearest.ts";

/**
 * A hint for a name that is not known: the nearest known one, or else all of them.
 *
 * @example didYouMean("jsn", ["json", "text"]) // "did you mean json?"
 */
export function didYouMean(name: string, known: readonly string[]): string {
  // Of two letters or one nothing may be left that was not meant.
  const near = nearest(name, known, Math.min(2, name.length - 1));
  return near === undefined ? `known: ${known.join(", ")}` : `did you mean ${near}?`;
}
