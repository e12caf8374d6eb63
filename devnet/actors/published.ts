import { parseEventLogs, type TransactionReceipt } from "viem";
import { nexusAbi } from "../../src/protocol/abi.ts";
import { type ResponseAddress, type SourceAddress, type TaskAddress, toAddress } from "../../src/protocol/brand.ts";

/** The source that a transaction published. */
export const publishedSource = ({ logs }: TransactionReceipt): SourceAddress =>
  toAddress(only(parseEventLogs({ abi: nexusAbi, eventName: "SourcePublished", logs })).args.source);

/** The task that a transaction published. */
export const publishedTask = ({ logs }: TransactionReceipt): TaskAddress =>
  toAddress(only(parseEventLogs({ abi: nexusAbi, eventName: "TaskPublished", logs })).args.task);

/** The response that a transaction submitted. */
export const submittedResponse = ({ logs }: TransactionReceipt): ResponseAddress =>
  toAddress(only(parseEventLogs({ abi: nexusAbi, eventName: "ResponseSubmitted", logs })).args.response);

function only<T>(events: readonly T[]): T {
  const [event] = events;
  if (event === undefined) throw new Error("the transaction emitted no such event");
  return event;
}
