import type { Hash, Hex } from "../protocol/brand.ts";
import { eventDataLength, eventTypeOf, type RpcLog } from "../protocol/events.ts";
import type { IsForeign } from "./taskIndex.ts";

/** What a socket's message says; `undefined` where it is a log of somebody else's task. @throws SyntaxError as JSON does. */
export type ParseMessage = (text: string) => unknown;

/**
 * Reads a node's messages, and drops the logs of foreign tasks before anything is made of them: a log's parts are found
 * by searching the text, because a firehose leaves no time for `JSON.parse`.
 *
 * Only the one shape is searched in which nodes push logs. Any other text (white space, escapes, null, nested values,
 * another message) is left to `JSON.parse`; its logs are filtered then. A searched log keeps the members of `RpcLog` alone.
 */
export function createParseMessage(isForeign: IsForeign): ParseMessage {
  return (text) => {
    if (!findLog(text)) return withoutForeign(JSON.parse(text), isForeign);
    const type = found.removed ? undefined : eventTypeOf(text, found.topic, found.topicEnd);
    const isEvent = type !== undefined && endOf(part.data) - startOf(part.data) === eventDataLength;
    return isEvent && isForeign(type, text, startOf(part.data) + 2) ? undefined : logMessage(text);
  };
}

const head = '{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"';
const middle = '","result":{';
const tail = "}}}";

const quote = 34;
const comma = 44;
const colon = 58;
const bracket = 91;
const closingBracket = 93;
const brace = 125;

/** The members that are strings, in the order of `found.bounds`. */
const part = { address: 0, data: 1, blockNumber: 2, blockHash: 3, logIndex: 4 } as const;
const names = Object.keys(part);

/** Where the parts of the last log stand that was found. One for all logs: it is read before the next search. */
const found = {
  subscriptionEnd: 0,
  topic: 0,
  topicEnd: 0,
  removed: false,
  /** Begin and end of each of `part`; 0: missing. */
  bounds: new Int32Array(2 * names.length),
};
const startOf = (which: number): number => found.bounds[2 * which] ?? 0;
const endOf = (which: number): number => found.bounds[2 * which + 1] ?? 0;

/** Finds the parts of a pushed log. `false`: the text has not exactly that shape. */
function findLog(text: string): boolean {
  if (!text.startsWith(head) || text.includes("\\")) return false;
  found.bounds.fill(0);
  found.topic = 0;
  found.removed = false;
  found.subscriptionEnd = text.indexOf('"', head.length);
  if (!text.startsWith(middle, found.subscriptionEnd)) return false;
  let at = found.subscriptionEnd + middle.length;
  for (;;) {
    const keyEnd = text.indexOf('"', at + 1);
    if (text.charCodeAt(at) !== quote || keyEnd < 0 || text.charCodeAt(keyEnd + 1) !== colon) return false;
    at = findValue(text, at + 1, keyEnd, keyEnd + 2);
    if (at < 0) return false;
    const next = text.charCodeAt(at);
    if (next === brace) break;
    if (next !== comma) return false;
    at++;
  }
  const isComplete = found.topic > 0 && found.bounds.indexOf(0) < 0;
  return isComplete && text.startsWith(tail, at) && endsAt(text, at + tail.length);
}

/** Notes where a member's value stands; answers where the text goes on, or -1. As in JSON, the last of equal keys counts. */
function findValue(text: string, key: number, keyEnd: number, value: number): number {
  switch (text.charCodeAt(value)) {
    case quote: {
      const end = text.indexOf('"', value + 1);
      if (end < 0 || isKey(text, key, keyEnd, "topics") || isKey(text, key, keyEnd, "removed")) return -1;
      for (let which = 0; which < names.length; which++) {
        if (!isKey(text, key, keyEnd, names[which] ?? "")) continue;
        found.bounds[2 * which] = value + 1;
        found.bounds[2 * which + 1] = end;
      }
      return end + 1;
    }
    case bracket: {
      const end = text.indexOf('"', value + 2);
      if (text.charCodeAt(value + 1) !== quote || end < 0 || text.charCodeAt(end + 1) !== closingBracket) return -1;
      if (!isKey(text, key, keyEnd, "topics")) return -1;
      found.topic = value + 2;
      found.topicEnd = end;
      return end + 2;
    }
    default: {
      const isTrue = text.startsWith("true", value);
      if (!isTrue && !text.startsWith("false", value)) return -1;
      if (!isKey(text, key, keyEnd, "removed")) return -1;
      found.removed = isTrue;
      return value + (isTrue ? 4 : 5);
    }
  }
}

const isKey = (text: string, from: number, to: number, name: string): boolean =>
  to - from === name.length && text.startsWith(name, from);

/** Geth ends each message with a line feed. */
const endsAt = (text: string, at: number): boolean =>
  text.length === at || (text.length === at + 1 && text.endsWith("\n"));

function logMessage(text: string): { readonly params: { readonly subscription: string; readonly result: RpcLog } } {
  const textOf = (which: number) => text.slice(startOf(which), endOf(which));
  return {
    params: {
      subscription: text.slice(head.length, found.subscriptionEnd),
      result: {
        address: textOf(part.address) as Hex,
        topics: [text.slice(found.topic, found.topicEnd) as Hex],
        data: textOf(part.data) as Hex,
        blockNumber: textOf(part.blockNumber) as Hex,
        blockHash: textOf(part.blockHash) as Hash,
        logIndex: textOf(part.logIndex) as Hex,
        removed: found.removed,
      },
    },
  };
}

function withoutForeign(message: unknown, isForeign: IsForeign): unknown {
  const log = (message as { params?: { result?: Partial<RpcLog> | null } } | null)?.params?.result;
  const { topics, data, removed } = log ?? {};
  if (!Array.isArray(topics) || typeof topics[0] !== "string" || typeof data !== "string" || removed) return message;
  const type = topics.length === 1 ? eventTypeOf(topics[0], 0, topics[0].length) : undefined;
  return type !== undefined && data.length === eventDataLength && isForeign(type, data, 2) ? undefined : message;
}
