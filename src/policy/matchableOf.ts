import type { FetchLimits, Output } from "../payload/payloadPort.ts";
import type { Source, Task } from "../protocol/entities.ts";
import type { Matchable } from "./policyPort.ts";

/** What a task's config document may take, whatever policy it leads to. */
export const configLimits: FetchLimits = { maxBytes: 1024 * 1024, timeoutMs: 10_000, isConfig: true };

/** What policies match a task by. @param config Its config document, as far as it came. */
export const matchableOf = (task: Task, { client }: Source, config: Pick<Output, "json" | "valid">): Matchable => ({
  source: task.source,
  client,
  functionName: functionNameOf(config.json),
  isConfigUnread: !config.valid,
  deliveryMethod: task.deliveryMethod,
  payment: task.payment,
});

/** The `function_name` that a task's config document asks for. */
export function functionNameOf(json: unknown): string | undefined {
  if (typeof json !== "object" || json === null || !Object.hasOwn(json, "function_name")) return undefined;
  const name = (json as { readonly function_name: unknown }).function_name;
  return typeof name === "string" ? name : undefined;
}
