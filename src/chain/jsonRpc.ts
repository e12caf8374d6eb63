import { BaseError, exitCodes, type RetryableError } from "../errors.ts";

export type RpcCall = { readonly method: string; readonly params: readonly unknown[] };

/** What sends a signed transaction: the one call that is more than a question. */
export const sendMethod = "eth_sendRawTransaction";

/** The node understood the request and refused it. */
export class RpcError extends BaseError {
  /** JSON-RPC error code, e.g. -32000; 3 where a call reverted (geth and its kin). */
  readonly rpcCode: number;
  /** What came with it; the revert data, where there is any. */
  readonly data: unknown;
  /** Mostly a limit or a node that is not ready: worth a restart. */
  override readonly exitCode = exitCodes.temporary;

  constructor(message: string, rpcCode: number, data: unknown) {
    super(message, { code: "RPC_REFUSED" });
    this.rpcCode = rpcCode;
    this.data = data;
  }
}

/** A refusal as it comes over the wire. */
export type WireError = { readonly code?: number; readonly message?: string; readonly data?: unknown };

/** A text's first whole words: half of a credential in it would not be known for one. */
export function firstWords(text: string, mostCharacters: number): string {
  if (text.length <= mostCharacters) return text;
  const start = text.slice(0, mostCharacters);
  return `${start.slice(0, start.search(/\s\S*$/) + 1)}…`;
}

/** @param error Some gateways write a text where an object should be. */
export function toRpcError(error: WireError | string): RpcError {
  const { message, code, data }: WireError = typeof error === "string" ? { message: error } : error;
  return new RpcError(String(message ?? "refused without a reason").slice(0, 1024), Number(code ?? 0), data);
}

/** What to throw of a node that does not have something in a block. */
export type Missing = (what: string, block: bigint) => RetryableError;

/** A node's own words behind an error that does not repeat them: they may hold a credential, or be about something else. */
export const saidIn = (error: unknown): string | undefined =>
  error instanceof Error && error.cause instanceof RpcError ? firstWords(error.cause.message, 200) : undefined;

export type RpcAnswer = { readonly result: unknown } | { readonly error: RpcError };

export type HttpRpc = {
  /** Host and port alone (and a number, where several endpoints share them): all of the URL that may be shown. */
  readonly name: string;
  /** @throws RpcError if the node refuses; RetryableError if it does not answer. */
  readonly call: <T>(method: string, ...params: readonly unknown[]) => Promise<T>;
  /** One request; answers in the order of the calls. @throws RetryableError if the node does not answer. */
  readonly batch: (calls: readonly RpcCall[]) => Promise<readonly RpcAnswer[]>;
};

/** The result of an answer. @throws RpcError if the node refused. */
export function resultOf(answer: RpcAnswer | undefined): unknown {
  if (answer === undefined) throw new TypeError("no answer to read");
  if ("error" in answer) throw answer.error;
  return answer.result;
}
