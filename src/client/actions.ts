import { cancelTask } from "./cancelTask.ts";
import { confirmResponse } from "./confirmResponse.ts";
import type { ClientContext } from "./context.ts";
import { fetchJson } from "./fetchJson.ts";
import { getConfirmedResponse } from "./getConfirmedResponse.ts";
import { getSource, getTask } from "./getTask.ts";
import { getTaskResponses } from "./getTaskResponses.ts";
import { inactivateSource } from "./inactivateSource.ts";
import { fixNonce } from "./nonce/fixNonce.ts";
import { getNonceInfo } from "./nonce/getNonceInfo.ts";
import { planNonceFix } from "./nonce/planNonceFix.ts";
import { clearAllNonceCaches, resetNonceCache } from "./nonce/resetNonceCache.ts";
import { getPublishedSource, getPublishedTask } from "./published.ts";
import { publishSource } from "./publishSource.ts";
import { publishTask } from "./publishTask.ts";
import { publishToIpfs } from "./publishToIpfs.ts";
import { isAgent, revokeAgent, setAgent } from "./setAgent.ts";
import { updateSource } from "./updateSource.ts";
import { waitForTransaction } from "./waitForTransaction.ts";
import {
  watchResponseStatusChanged,
  watchResponseSubmitted,
  watchTaskPublished,
  watchTaskStatusChanged,
} from "./watch/watchers.ts";

/** Every function that takes a client first; a client has each as a method without it. */
const functions = {
  publishSource,
  updateSource,
  inactivateSource,
  publishTask,
  cancelTask,
  setAgent,
  revokeAgent,
  isAgent,
  getSource,
  getTask,
  getTaskResponses,
  getConfirmedResponse,
  confirmResponse,
  waitForTransaction,
  getPublishedTask,
  getPublishedSource,
  publishToIpfs,
  fetchJson,
  getNonceInfo,
  planNonceFix,
  fixNonce,
  resetNonceCache,
  clearAllNonceCaches,
  watchTaskPublished,
  watchResponseSubmitted,
  watchTaskStatusChanged,
  watchResponseStatusChanged,
} as const;

type Bound<F> = F extends (context: never, ...args: infer Args) => infer Result ? (...args: Args) => Result : never;

export type Actions = { readonly [Name in keyof typeof functions]: Bound<(typeof functions)[Name]> };

export const bindActions = (context: ClientContext): Actions =>
  Object.fromEntries(
    Object.entries(functions).map(([name, action]) => [
      name,
      (...args: unknown[]) => (action as (...all: unknown[]) => unknown)(context, ...args),
    ]),
  ) as Actions;
