export type { Actions } from "./actions.ts";
export { cancelTask } from "./cancelTask.ts";
export { ChainId, type ContractName, contractAddress, supportedChains } from "./chainId.ts";
export { clientFromEnvironment } from "./clientFromEnvironment.ts";
export { type Confirmation, type ConfirmOptions, confirmResponse } from "./confirmResponse.ts";
export type { ClientContext } from "./context.ts";
export { type Client, type ClientOptions, createClient } from "./createClient.ts";
export { AddressUnknownError, InputError, NotMinedError, RefusedError, TransactionFailedError } from "./errors.ts";
export { fetchJson } from "./fetchJson.ts";
export { type ConfirmedOptions, getConfirmedResponse } from "./getConfirmedResponse.ts";
export { getSource, getTask } from "./getTask.ts";
export { getTaskResponses, type ResponseRange } from "./getTaskResponses.ts";
export { inactivateSource } from "./inactivateSource.ts";
export { type FixedNonces, type FixOptions, fixNonce } from "./nonce/fixNonce.ts";
export { getNonceInfo, type NonceInfo, type NonceOptions, type WaitingNonce } from "./nonce/getNonceInfo.ts";
export { type FixStep, type NonceFix, type PlanOptions, planNonceFix } from "./nonce/planNonceFix.ts";
export { clearAllNonceCaches, resetNonceCache } from "./nonce/resetNonceCache.ts";
export { getPublishedSource, getPublishedTask } from "./published.ts";
export { type PublishedSource, publishSource } from "./publishSource.ts";
export { type PublishedTask, publishTask } from "./publishTask.ts";
export { publishToIpfs, type UploadOptions } from "./publishToIpfs.ts";
export type { Judged } from "./requireSame.ts";
export { isAgent, revokeAgent, setAgent } from "./setAgent.ts";
export type {
  Address,
  Amount,
  ConfirmedResponse,
  ImageEnvironments,
  MinedTransaction,
  Response,
  SourceInfo,
  SourceState,
  TaskInfo,
  TaskInput,
  TaskState,
  WriteOptions,
} from "./types.ts";
export { updateSource } from "./updateSource.ts";
export { waitForTransaction } from "./waitForTransaction.ts";
export type { WatchOptions } from "./watch/watchEvents.ts";
export {
  type EventPlace,
  type ResponseStatusChangedEvent,
  type ResponseSubmittedEvent,
  type TaskPublishedEvent,
  type TaskStatusChangedEvent,
  watchResponseStatusChanged,
  watchResponseSubmitted,
  watchTaskPublished,
  watchTaskStatusChanged,
} from "./watch/watchers.ts";
