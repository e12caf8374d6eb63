import type { AccountAddress, Hash, Hex, ResponseAddress, SourceAddress, TaskAddress } from "./brand.ts";

/** Where a log stands in the chain. */
export type LogPosition = { readonly blockNumber: bigint; readonly blockHash: Hash; readonly logIndex: number };

/** The four events of Nexus that the daemon wakes for. An event is a hint to look; the chain's state is the truth. */
export type NexusEvent =
  | {
      readonly type: "TaskPublished";
      readonly task: TaskAddress;
      readonly source: SourceAddress;
      readonly at: LogPosition;
    }
  | {
      readonly type: "ResponseSubmitted";
      readonly response: ResponseAddress;
      readonly task: TaskAddress;
      readonly at: LogPosition;
    }
  | {
      readonly type: "TaskStatusChanged";
      readonly task: TaskAddress;
      readonly status: number;
      readonly at: LogPosition;
    }
  | {
      readonly type: "ResponseStatusChanged";
      readonly response: ResponseAddress;
      readonly status: number;
      readonly at: LogPosition;
    };

/** Terminal's: an account, mostly a client, made another one its agent, or dismissed it. */
type AgentSet = {
  readonly type: "AgentSet";
  readonly account: AccountAddress;
  readonly agent: AccountAddress;
  readonly at: LogPosition;
};

export type ChainEvent = NexusEvent | AgentSet;

/** A log as a node sends it (`eth_getLogs`, `eth_subscription`). */
export type RpcLog = {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly blockNumber: Hex | null;
  readonly blockHash: Hash | null;
  readonly logIndex: Hex | null;
  readonly removed?: boolean;
};

/** keccak256 of the signatures of Nexus's; a test derives them from the ABI. */
export const eventTopics = {
  TaskPublished: "0x3bf5b04cf8ed447db6fda0a63a96369fd5dde6b366b6b480e784be44b26a6c22",
  ResponseSubmitted: "0xf6a0b941311aeaa4102f64c379955a62cca24a7cb0cf54e6203ca75075588554",
  TaskStatusChanged: "0x004961faf5705b2d0656e64b56064817b7e3f00eefca17906d2d1600b20b73ec",
  ResponseStatusChanged: "0x0af3a4721b2eaed49a7bcd503459564e37cd4b6825d633c60f12ba26c2397f4c",
} as const satisfies Record<NexusEvent["type"], Hash>;
/** The same of Terminal's. */
export const agentSetTopic: Hash = "0x629d84cd240882b0f3b855d72e0ba44b4419ccbb9967b508b0f080453e73d7c6";

/** Their first two digits tell the topics apart, so that one comparison is enough: this is asked for every log there is. */
const startOf = (topic: string): number => (topic.charCodeAt(2) << 16) | topic.charCodeAt(3);
const typeOfStart: ReadonlyMap<number, NexusEvent["type"]> = new Map(
  (Object.keys(eventTopics) as NexusEvent["type"][]).map((type) => [startOf(eventTopics[type]), type]),
);

/** Which of the four events a topic names. */
export function eventTypeOf(topic: string): NexusEvent["type"] | undefined {
  const type = typeOfStart.get(startOf(topic));
  return type !== undefined && eventTopics[type] === topic ? type : undefined;
}

/** Characters of an event's data: `0x` and two words. */
export const eventDataLength = 2 + 2 * 64;
const agentSetDataLength = 2 + 3 * 64;
/**
 * A block's number as a node says it. The journal keeps numbers that are exact in JavaScript, and no chain has higher ones.
 *
 * @throws SyntaxError if it is no number; RangeError if it is none of a block.
 */
export function toBlockNumber(said: Hex | bigint): bigint {
  const number = BigInt(said);
  if (number < 0n || number > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${number} is no block's number`);
  return number;
}

/** Most logs stand in the block of the one before. */
let lastBlock = { text: "0x0", number: 0n };
function blockNumberOf(text: Hex): bigint {
  if (text !== lastBlock.text) lastBlock = { text, number: toBlockNumber(text) };
  return lastBlock.number;
}

const first = (data: string) => `0x${data.slice(26, 66)}`.toLowerCase();
const second = (data: string) => `0x${data.slice(90, 130)}`.toLowerCase();

/**
 * Decodes one log by cutting its first two words out of the data: no event has an indexed parameter, and every one that
 * the daemon wakes for is two static words long, or three.
 * Answers `undefined` for any other log, for a pending one and for one that a reorg removed.
 */
export function decodeEvent(log: RpcLog): ChainEvent | undefined {
  const topic = log.topics[0] ?? "";
  const type = eventTypeOf(topic) ?? (topic === agentSetTopic ? "AgentSet" : undefined);
  const length = type === "AgentSet" ? agentSetDataLength : eventDataLength;
  if (type === undefined || log.removed || log.data.length !== length) return undefined;
  if (log.blockNumber === null || log.blockHash === null || log.logIndex === null) return undefined;
  const { data } = log;
  const at = { blockNumber: blockNumberOf(log.blockNumber), blockHash: log.blockHash, logIndex: Number(log.logIndex) };
  switch (type) {
    case "TaskPublished":
      return { type, task: first(data) as TaskAddress, source: second(data) as SourceAddress, at };
    case "ResponseSubmitted":
      return { type, response: first(data) as ResponseAddress, task: second(data) as TaskAddress, at };
    case "TaskStatusChanged":
      return { type, task: first(data) as TaskAddress, status: Number.parseInt(data.slice(128), 16), at };
    case "ResponseStatusChanged":
      return { type, response: first(data) as ResponseAddress, status: Number.parseInt(data.slice(128), 16), at };
    case "AgentSet":
      return { type, account: first(data) as AccountAddress, agent: second(data) as AccountAddress, at };
  }
}
