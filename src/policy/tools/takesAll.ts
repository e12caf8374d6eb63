import type { MatchSpec } from "../policySpec.ts";

/** Whether every task that fits `narrow` fits `wide` as well. */
export function takesAll(wide: MatchSpec, narrow: MatchSpec): boolean {
  const { min, max } = wide.payment ?? {};
  const least = narrow.payment?.min;
  const most = narrow.payment?.max;
  return (
    hasAll(wide.sources, narrow.sources) &&
    hasAll(wide.clients, narrow.clients) &&
    hasAll(wide.functions, narrow.functions) &&
    hasAll(wide.delivery, narrow.delivery) &&
    (min === undefined || (least !== undefined && least >= min)) &&
    (max === undefined || (most !== undefined && most <= max))
  );
}

/** `undefined` is everything. */
const hasAll = <T>(wide: ReadonlySet<T> | undefined, narrow: ReadonlySet<T> | undefined): boolean =>
  wide === undefined || (narrow !== undefined && [...narrow].every((each) => wide.has(each)));
