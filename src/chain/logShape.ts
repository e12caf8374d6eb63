import type { RpcLog } from "../protocol/events.ts";

/** How one node writes the logs that it pushes: a pattern for the whole message, in the order of its members. */
export type LogShape = {
  /** Two messages of the same shape have the same key. */
  readonly key: string;
  /** The parts of a message that fits in every character; `null`: it does not. What fits is valid JSON. */
  readonly find: (text: string) => RegExpExecArray | null;
  /** What `JSON.parse` would give; of the log, the members of `RpcLog` alone. */
  readonly read: (found: RegExpExecArray) => {
    readonly params: { readonly subscription: string; readonly result: RpcLog };
  };
  /** Where the topic, the data and the word `removed` stand among the parts; 0 where there is none. */
  readonly topic: number;
  readonly data: number;
  readonly removed: number;
};

/** Members that must be strings. */
const wanted = ["address", "data", "blockNumber", "blockHash", "logIndex"] as const;

/** A JSON string's characters, none of them escaped. */
const plain = '[^"\\\\\\x00-\\x1f]*';

/** The shape of a pushed log; `undefined` where it holds anything but strings, booleans and one topic. */
export function logShapeOf(message: unknown): LogShape | undefined {
  const groups = new Map<string, number>();
  const group = (path: string, pattern: string): string => {
    groups.set(path, groups.size + 1);
    return `(${pattern})`;
  };

  const patternOf = (value: unknown, path: string): string | undefined => {
    switch (path) {
      case "":
        return patternOfMembers(value, path, ["jsonrpc", "method", "params"]);
      case "params":
        return patternOfMembers(value, path, ["subscription", "result"]);
      case "params.result":
        return patternOfMembers(value, path);
      case "params.result.topics": {
        const [topic, ...more] = Array.isArray(value) ? value : [];
        return typeof topic === "string" && more.length === 0 ? `\\["${group(path, plain)}"\\]` : undefined;
      }
      case "params.result.removed":
        return typeof value === "boolean" ? group(path, "true|false") : undefined;
      default:
        if (typeof value === "string") return isRead(path) ? `"${group(path, plain)}"` : `"${plain}"`;
        return typeof value === "boolean" && !isRead(path) ? "(?:true|false)" : undefined;
    }
  };

  const patternOfMembers = (value: unknown, path: string, names?: readonly string[]): string | undefined => {
    if (typeof value !== "object" || value === null) return undefined;
    const members: string[] = [];
    for (const [name, member] of Object.entries(value)) {
      if (!/^\w+$/.test(name) || names?.includes(name) === false) return undefined;
      const pattern = patternOf(member, path === "" ? name : `${path}.${name}`);
      if (pattern === undefined) return undefined;
      members.push(`"${name}":${pattern}`);
    }
    return `\\{${members.join(",")}\\}`;
  };

  const key = patternOf(message, "");
  const at = (name: string): number => groups.get(`params.result.${name}`) ?? 0;
  const [topic, removed, subscription] = [at("topics"), at("removed"), groups.get("params.subscription") ?? 0];
  const [address, data, blockNumber, blockHash, logIndex] = wanted.map(at) as [number, number, number, number, number];
  if (key === undefined || ![topic, subscription, address, data, blockNumber, blockHash, logIndex].every(Boolean))
    return;
  // Geth ends each message with a line feed.
  const whole = new RegExp(`^${key}\\n?$`);
  return {
    key,
    find: (text) => whole.exec(text),
    read: (found) => {
      const result = {
        address: found[address],
        topics: [found[topic]],
        data: found[data],
        blockNumber: found[blockNumber],
        blockHash: found[blockHash],
        logIndex: found[logIndex],
        removed: found[removed] === "true",
      };
      return { params: { subscription: found[subscription] ?? "", result: result as RpcLog } };
    },
    topic,
    data,
    removed,
  };
}

const read = new Set(["params.subscription", ...wanted.map((name) => `params.result.${name}`)]);
const isRead = (path: string): boolean => read.has(path);
