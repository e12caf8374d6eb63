import { nearest } from "./nearest.ts";

/** The complaint about a key that no setting has. */
export function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === undefined ? "is not a known key; remove it" : `is not a known key; did you mean ${near}?`;
}
