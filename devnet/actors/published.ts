import type { TransactionReceipt } from "viem";
import * as library from "../../src/client/published.ts";
import { type ResponseAddress, type SourceAddress, type TaskAddress, toAddress } from "../../src/protocol/brand.ts";

/** What a transaction published or submitted, in the form that addresses have inside of the daemon. */
export const publishedSource = (receipt: TransactionReceipt): SourceAddress =>
  toAddress(library.publishedSource(receipt));
export const publishedTask = (receipt: TransactionReceipt): TaskAddress => toAddress(library.publishedTask(receipt));
export const submittedResponse = (receipt: TransactionReceipt): ResponseAddress =>
  toAddress(library.submittedResponse(receipt));
