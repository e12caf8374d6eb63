import type { Matchable } from "./policyPort.ts";
import type { MatchSpec } from "./policySpec.ts";

/** The first policy whose `match` fits. What is not known of a task fits no condition on it. */
export function selectPolicy<T extends { readonly spec: { readonly match: MatchSpec } }>(
  policies: readonly T[],
  task: Matchable,
): T | undefined {
  return policies.find(({ spec }) => matches(spec.match, task));
}

function matches({ sources, clients, functions, delivery, payment }: MatchSpec, task: Matchable): boolean {
  return (
    isIn(sources, task.source) &&
    isIn(clients, task.client) &&
    isIn(functions, task.functionName) &&
    isIn(delivery, task.deliveryMethod) &&
    (payment === undefined ||
      (task.payment !== undefined &&
        (payment.min === undefined || task.payment >= payment.min) &&
        (payment.max === undefined || task.payment <= payment.max)))
  );
}

const isIn = <T>(wanted: ReadonlySet<T> | undefined, value: T | undefined): boolean =>
  wanted === undefined || (value !== undefined && wanted.has(value));
