import type { Output } from "../payload/payloadPort.ts";
import type { Response } from "../protocol/entities.ts";
import { DeliveryMethod, SourceStatus, statusName } from "../protocol/statuses.ts";
import { addressValue } from "./addressType.ts";
import type { Candidate } from "./policyPort.ts";
import { weiValue } from "./weiType.ts";

/** What an expression is evaluated on. */
export type Facts = Readonly<Record<"response" | "task" | "source" | "output" | "now", unknown>>;

/** Gathers the facts about one response. */
export function buildFacts({ now, task, source, config }: Candidate, response: Response, output: Output): Facts {
  return {
    now: BigInt(now),
    response: {
      address: addressValue(response.address),
      provider: addressValue(response.provider),
      payment: weiValue(response.payment),
      submittedAt: BigInt(response.submittedAt),
    },
    task: {
      address: addressValue(task.address),
      source: addressValue(task.source),
      payment: weiValue(task.payment),
      expiryTime: BigInt(task.expiryTime),
      deliveryMethod: statusName(DeliveryMethod, task.deliveryMethod),
      function: functionNameOf(config) ?? "",
      config: toFact(config.json),
    },
    source: {
      address: addressValue(source.address),
      client: addressValue(source.client),
      minPayment: weiValue(source.minPayment),
      status: statusName(SourceStatus, source.status),
    },
    output: {
      valid: output.valid,
      json: toFact(output.json),
      text: output.text,
      bytes: BigInt(output.bytes),
      cidVerified: output.cidVerified,
      error: output.error,
    },
  };
}

/** The `function_name` that a task's config asks for. */
export function functionNameOf(config: Output): string | undefined {
  const { json } = config;
  if (typeof json !== "object" || json === null || !Object.hasOwn(json, "function_name")) return undefined;
  const name = (json as { readonly function_name: unknown }).function_name;
  return typeof name === "string" ? name : undefined;
}

/** JSON objects become maps: no key of a stranger's document, such as `constructor`, can mean anything to the engine. */
function toFact(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(toFact);
  if (typeof json !== "object" || json === null) return json;
  return new Map(Object.entries(json).map(([key, value]) => [key, toFact(value)]));
}
