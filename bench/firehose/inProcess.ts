import { decodeEventLog } from "viem";
import { nexusAbi } from "../../src/protocol/abi.ts";
import { eventTopics, type RpcLog } from "../../src/protocol/events.ts";
import { answer, childArgs } from "../harness/child.ts";
import { alternate } from "../harness/rounds.ts";
import { createFeed } from "./feed.ts";
import { checkStored, createOurs } from "./ours.ts";
import { createSwallow } from "./swallow.ts";

/** The process that measures without a socket: `limit` and `peer` only read the messages, `ours` stores what is ours. */
const [rounds, messagesPerRound] = childArgs<[number, number]>();

/** Of the ABI, the four events that matter: the fewer there are, the faster viem is. */
const abi = nexusAbi.filter((item) => item.type === "event" && item.name in eventTopics);

type Message = { params: { result: RpcLog } };
let kept = 0;

const parseAll = (messages: readonly string[]): void => {
  for (const message of messages) kept += (JSON.parse(message) as Message).params.result.data.length;
};
const decodeAll = (messages: readonly string[]): void => {
  for (const message of messages) {
    const { topics, data } = (JSON.parse(message) as Message).params.result;
    const decoded = decodeEventLog({ abi, topics: topics as [`0x${string}`], data });
    kept += String(decoded.eventName).length;
  }
};

const feed = createFeed(1);
const ours = createOurs(feed);
const { swallow, stop } = createSwallow(ours);

const perSecond = async (messages: readonly string[], work: (messages: readonly string[]) => unknown) => {
  const start = performance.now();
  await work(messages);
  return (messages.length / (performance.now() - start)) * 1_000;
};

const { medians, all } = await alternate(rounds, () => feed.next(messagesPerRound), {
  ours: (messages: readonly string[]) => perSecond(messages, swallow),
  limit: (messages: readonly string[]) => perSecond(messages, parseAll),
  peer: (messages: readonly string[]) => perSecond(messages.slice(0, messages.length / 10), decodeAll),
});
checkStored(ours, feed);
const events = (rounds + 1) * messagesPerRound;
answer({
  medians,
  all,
  kept,
  events,
  ourEvents: feed.ourEvents(),
  lookUps: ours.lookUps(),
  stored: ours.stored(),
  bytesPerMessage: Math.round(feed.next(1)[0]?.length ?? 0),
});
stop();
await ours.close();
