/**
 * Why a parsed JSON value is refused; empty where it is not. JavaScript reads `1e999` as Infinity, and a lone surrogate
 * as itself: both turn into something else wherever they are written again, so that two unequal answers look equal.
 *
 * @param json Nested no deeper than `jsonLimits.depth`.
 */
export function valueRefusal(json: unknown): string {
  switch (typeof json) {
    case "number":
      return Number.isFinite(json) ? "" : "JSON has a number that is too large";
    case "string":
      return json.isWellFormed() ? "" : "JSON has a lone surrogate";
    case "object":
      return json === null ? "" : firstRefusal(Array.isArray(json) ? json : Object.entries(json).flat());
    default:
      return "";
  }
}

function firstRefusal(values: readonly unknown[]): string {
  for (const value of values) {
    const refused = valueRefusal(value);
    if (refused) return refused;
  }
  return "";
}
