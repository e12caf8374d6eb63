import type { SignalSpec } from "../policySpec.ts";

const hourMs = 3_600_000;

/** Counts requests to each judge over the past hour. @param now Milliseconds. */
export function createHourlyBudget(now: () => number): {
  /** Takes one request. @returns milliseconds until there is one, where none is left. */
  readonly take: (signal: Pick<SignalSpec, "url" | "perHour">) => number | undefined;
} {
  const taken = new Map<string, number[]>();
  return {
    take: ({ url, perHour }) => {
      const since = now() - hourMs;
      const recent = (taken.get(url) ?? []).filter((at) => at > since);
      const [next] = recent.slice(-perHour);
      const isLeft = next === undefined || recent.length < perHour;
      taken.set(url, isLeft ? [...recent, now()] : recent);
      return isLeft ? undefined : next - since;
    },
  };
}
