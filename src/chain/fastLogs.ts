import { eventDataLength, eventTypeOf, type RpcLog } from "../protocol/events.ts";
import { type LogShape, logShapeOf } from "./logShape.ts";
import type { IsForeign } from "./taskIndex.ts";

/** What a socket's message says; `undefined` where it is a log of somebody else's task. @throws SyntaxError as JSON does. */
export type ParseMessage = (text: string) => unknown;

type PushedLog = { readonly params: { readonly subscription: string; readonly result: RpcLog } };

/** Nodes have one shape each; more than these come from nobody who means well. */
const maxShapes = 8;

/**
 * Reads a node's messages, and drops the logs of foreign tasks before anything is made of them.
 *
 * A node writes all its logs alike, so the first one that `JSON.parse` reads gives the pattern for the next: a firehose
 * leaves no time for `JSON.parse`. What does not fit the pattern in every character is left to `JSON.parse`.
 */
export function createParseMessage(isForeign: IsForeign): ParseMessage {
  const shapes = new Map<string, LogShape>();
  let shape: LogShape | undefined;

  const parse = (text: string): unknown => {
    const message: unknown = JSON.parse(text);
    if (!isLog(message)) return message;
    const learned = logShapeOf(message);
    if (learned !== undefined && (shapes.has(learned.key) || shapes.size < maxShapes)) {
      shape = shapes.get(learned.key) ?? learned;
      shapes.set(learned.key, shape);
    }
    const { topics, data, removed } = message.params.result;
    return topics.length === 1 && !removed && isDropped(topics[0] ?? "", data) ? undefined : message;
  };

  const isDropped = (topic: string, data: string): boolean => {
    const type = eventTypeOf(topic);
    return type !== undefined && data.length === eventDataLength && isForeign(type, data);
  };

  return (text) => {
    const found = shape?.find(text);
    if (shape === undefined || !found) return parse(text);
    const isRemoved = found[shape.removed] === "true";
    return !isRemoved && isDropped(found[shape.topic] ?? "", found[shape.data] ?? "") ? undefined : shape.read(found);
  };
}

function isLog(message: unknown): message is PushedLog {
  const { topics, data } = (message as { params?: { result?: Partial<RpcLog> | null } } | null)?.params?.result ?? {};
  return Array.isArray(topics) && topics.every((topic) => typeof topic === "string") && typeof data === "string";
}
