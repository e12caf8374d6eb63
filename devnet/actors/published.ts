import { parseEventLogs, type TransactionReceipt } from "viem";
import * as library from "../../src/client/published.ts";
import { nexusAbi } from "../../src/protocol/abi.ts";
import { type ResponseAddress, type SourceAddress, type TaskAddress, toAddress } from "../../src/protocol/brand.ts";

/** What a transaction published or submitted, in the form that addresses have inside of the daemon. */
export const publishedSource = (receipt: TransactionReceipt): SourceAddress =>
  toAddress(library.publishedSource(receipt));
export const publishedTask = (receipt: TransactionReceipt): TaskAddress => toAddress(library.publishedTask(receipt));
export function submittedResponse({ logs }: TransactionReceipt): ResponseAddress {
  const [submitted] = parseEventLogs({ abi: nexusAbi, eventName: "ResponseSubmitted", logs });
  if (submitted === undefined) throw new Error("the transaction submitted no response");
  return toAddress(submitted.args.response);
}
