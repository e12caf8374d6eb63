import { checksummed } from "../../protocol/brand.ts";
import type { ChainEvent } from "../../protocol/events.ts";
import type { ClientContext } from "../context.ts";
import { readAddress } from "../inputs.ts";
import type { Address } from "../types.ts";
import { type WatchOptions, watchEvents } from "./watchEvents.ts";

/** Where an event stands in the chain; a program that starts again goes on with `fromBlock: blockNumber`. */
export type EventPlace = {
  readonly blockNumber: bigint;
  readonly blockHash: `0x${string}`;
  readonly logIndex: number;
};

export type TaskPublishedEvent = EventPlace & { readonly task: Address; readonly source: Address };
export type ResponseSubmittedEvent = EventPlace & { readonly response: Address; readonly task: Address };
/** @param status See `TaskStatus`. */
export type TaskStatusChangedEvent = EventPlace & { readonly task: Address; readonly status: number };
/** @param status See `ResponseStatus`. */
export type ResponseStatusChangedEvent = EventPlace & { readonly response: Address; readonly status: number };

/** Leaves out events of other sources, tasks or responses; the chain itself cannot: no event is indexed. */
type Only<Field extends string> = WatchOptions & { readonly [Name in Field]?: string };

/**
 * Tasks as they are published. It reconnects for ever and loses nothing: see `WatchOptions`.
 *
 * @throws InputError `ADDRESS_INVALID`.
 * @example
 * for await (const { task } of client.watchTaskPublished({ source, signal: AbortSignal.timeout(60_000) })) {
 *   console.log("published", task);
 * }
 */
export const watchTaskPublished = (
  context: ClientContext,
  options: Only<"source"> = {},
): AsyncGenerator<TaskPublishedEvent, void> =>
  watch(context, options, "TaskPublished", "source", ({ task, source }) => ({
    task: checksummed(task),
    source: checksummed(source),
  }));

/**
 * Responses as they are submitted.
 * @throws InputError `ADDRESS_INVALID`.
 * @example for await (const { response } of client.watchResponseSubmitted({ task })) console.log("answered", response);
 */
export const watchResponseSubmitted = (
  context: ClientContext,
  options: Only<"task"> = {},
): AsyncGenerator<ResponseSubmittedEvent, void> =>
  watch(context, options, "ResponseSubmitted", "task", ({ response, task }) => ({
    response: checksummed(response),
    task: checksummed(task),
  }));

/**
 * Tasks as they change: attempted, responded, cancelled, expired, finalised.
 * @throws InputError `ADDRESS_INVALID`.
 * @example for await (const { status } of client.watchTaskStatusChanged({ task })) console.log(status);
 */
export const watchTaskStatusChanged = (
  context: ClientContext,
  options: Only<"task"> = {},
): AsyncGenerator<TaskStatusChangedEvent, void> =>
  watch(context, options, "TaskStatusChanged", "task", ({ task, status }) => ({ task: checksummed(task), status }));

/**
 * Responses as they change: confirmed.
 * @throws InputError `ADDRESS_INVALID`.
 * @example for await (const { response } of client.watchResponseStatusChanged()) console.log("paid", response);
 */
export const watchResponseStatusChanged = (
  context: ClientContext,
  options: Only<"response"> = {},
): AsyncGenerator<ResponseStatusChangedEvent, void> =>
  watch(context, options, "ResponseStatusChanged", "response", ({ response, status }) => ({
    response: checksummed(response),
    status,
  }));

type Of<Type extends ChainEvent["type"]> = Extract<ChainEvent, { readonly type: Type }>;

function watch<Type extends ChainEvent["type"], Field extends string, Told>(
  context: ClientContext,
  options: Only<Field>,
  type: Type,
  field: Field & keyof Of<Type>,
  tell: (event: Of<Type>) => Told,
): AsyncGenerator<Told & EventPlace, void> {
  const wanted: string | undefined = options[field];
  const only = wanted === undefined ? undefined : readAddress(`the ${field}`, wanted).toLowerCase();
  const isWanted = (event: ChainEvent): event is Of<Type> =>
    event.type === type && (only === undefined || (event as Of<Type>)[field] === only);
  return pick(watchEvents(context, options), isWanted, tell);
}

async function* pick<Event extends ChainEvent, Told>(
  events: AsyncGenerator<ChainEvent, void>,
  isWanted: (event: ChainEvent) => event is Event,
  tell: (event: Event) => Told,
): AsyncGenerator<Told & EventPlace, void> {
  for await (const event of events) {
    if (!isWanted(event)) continue;
    const { blockNumber, blockHash, logIndex } = event.at;
    yield { ...tell(event), blockNumber, blockHash, logIndex };
  }
}
