import type { EndpointHealth } from "./endpointHealth.ts";

/** Another endpoint must be so much better before the daemon moves to it: each has its own view of the chain. */
const clearlyBetter = (cost: number, than: number): boolean => 2 * cost + 250 < than;

/**
 * In which order to try endpoints.
 *
 * @param current The one that answered last; it is kept unless another is clearly better.
 * @returns `usable`: the healthy ones, best first; `rest`: those that are left alone, the one that is free first.
 */
export function inOrder<T extends { readonly health: () => EndpointHealth }>(
  endpoints: readonly T[],
  current: T | undefined,
): { readonly usable: readonly T[]; readonly rest: readonly T[] } {
  const seen = endpoints.map((endpoint) => ({ endpoint, health: endpoint.health() }));
  const usable = seen.filter(({ health }) => health.state === "healthy").sort((a, b) => a.health.cost - b.health.cost);
  const rest = seen.filter(({ health }) => health.state !== "healthy").sort((a, b) => a.health.forMs - b.health.forMs);
  const kept = usable.find(({ endpoint }) => endpoint === current);
  const [best] = usable;
  const ordered =
    kept && best && !clearlyBetter(best.health.cost, kept.health.cost)
      ? [kept, ...usable.filter((each) => each !== kept)]
      : usable;
  return { usable: ordered.map(({ endpoint }) => endpoint), rest: rest.map(({ endpoint }) => endpoint) };
}
