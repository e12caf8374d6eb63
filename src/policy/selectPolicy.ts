import type { Matchable } from "./policyPort.ts";
import type { MatchSpec } from "./policySpec.ts";

/**
 * The first policy whose `match` fits. What is not known of a task fits no condition on it; but a policy that would fit if
 * only the function were known stands in the way of those after it: what is meant for the rest must not pay its tasks.
 */
export function selectPolicy<T extends { readonly spec: { readonly match: MatchSpec } }>(
  policies: readonly T[],
  task: Matchable,
): T | undefined {
  const first = policies.find(({ spec: { match } }) => fitsBeside(match, task) && mayName(match, task));
  return first && isIn(first.spec.match.functions, task.functionName) ? first : undefined;
}

const mayName = ({ functions }: MatchSpec, { functionName, isConfigUnread }: Matchable): boolean =>
  isConfigUnread === true || isIn(functions, functionName);

/** Whether it fits, whatever the function. */
function fitsBeside({ sources, clients, delivery, payment }: MatchSpec, task: Matchable): boolean {
  return (
    isIn(sources, task.source) &&
    isIn(clients, task.client) &&
    isIn(delivery, task.deliveryMethod) &&
    (payment === undefined ||
      (task.payment !== undefined &&
        (payment.min === undefined || task.payment >= payment.min) &&
        (payment.max === undefined || task.payment <= payment.max)))
  );
}

const isIn = <T>(wanted: ReadonlySet<T> | undefined, value: T | undefined): boolean =>
  wanted === undefined || (value !== undefined && wanted.has(value));
