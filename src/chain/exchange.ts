import type { RpcCall } from "./jsonRpc.ts";

/**
 * An answer that is longer is not read: bytes over HTTP, characters over a WebSocket. Parsed, the worst that a stranger can
 * send (`[{},{},…]`) takes some twenty times its length, and it must fit into the heap of 512 MiB beside everything else.
 */
export const longestAnswer = 8 * 1024 * 1024;

/** A call as it is written onto the wire. */
export type RpcRequest = RpcCall & { readonly jsonrpc: "2.0"; readonly id: number };

/**
 * Brings a request, or several as one batch, to an endpoint, and its answer back: as it was parsed, one object or an array
 * of them, in any order and perhaps with holes. What it says is not judged.
 *
 * @throws EndpointError where nothing came back that could be an answer. What was asked may have been done nevertheless.
 */
export type Exchange = (requests: readonly RpcRequest[]) => Promise<unknown>;

export type ExchangeOptions = {
  /** Its user part becomes a header. */
  readonly url: string;
  /** What errors call the endpoint; nothing more of the URL is shown. */
  readonly name: string;
  /**
   * Bounds one exchange, the opening of a connection included, in ms. What a kept connection was closed upon is asked once
   * more over another: it may take twice as long.
   */
  readonly timeoutMs: number;
};

/** One request alone, or a batch. */
export const bodyOf = (requests: readonly RpcRequest[]): string =>
  JSON.stringify(requests.length === 1 ? requests[0] : requests);

/** An answer was not read because of its length: batches are asked in halves then, ranges of logs narrow. */
export const answerTooLong = {
  status: 413,
  code: "ANSWER_TOO_LONG",
  remedy: "nothing where it was asked for much: it is asked for less; else do without that endpoint",
} as const;
