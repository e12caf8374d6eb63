import type { RpcAnswer, RpcCall, RpcError } from "../jsonRpc.ts";
import { hasDropped, isOfContract } from "./refusals.ts";

const limits =
  /rate.?limit|too many requests|request rate|requests? per (second|minute|day)|daily request|compute units? per|(call|request|throughput|capacity) (limit|quota) (exceeded|reached)|exceeded its (throughput|capacity)/i;
/** Limits of one query (`eth_getLogs` above all) share a code with the limits of a plan. */
const ofOneQuery = /result|range|block|\blogs?\b|response size|batch/i;

/** Whether its words are about requests, and about nothing else. */
export const saysTooOften = ({ message }: RpcError): boolean => limits.test(message);

/** Whether the node refused because it was asked too often, rather than for too much. */
export function isRateLimit(error: RpcError): boolean {
  const { rpcCode, message } = error;
  if (isOfContract(error)) return false;
  if (saysTooOften(error)) return true;
  return (rpcCode === -32005 || rpcCode === 429) && !ofOneQuery.test(message);
}

/** What some nodes send with a rate limit: seconds to back off. Milliseconds here. */
export function backoffHint({ data }: RpcError): number | undefined {
  const seconds = (data as { rate?: { backoff_seconds?: unknown } } | null | undefined)?.rate?.backoff_seconds;
  return typeof seconds === "number" && seconds >= 0 ? Math.min(seconds * 1_000, 300_000) : undefined;
}

const behind =
  /header not found|header for hash not found|unknown block|block not found|block (is )?not (yet )?(available|found|synced)|could not find block|missing trie node|after last accepted block|block .{0,40}(is )?(beyond|ahead of|higher than) (the )?(current |latest |last )?(head|block)|requested block .{0,20}in the future|block height is \d+ but requested was|node is (behind|syncing|not synced)/i;

/** Whether a node refuses because it does not have the block that was asked for, or its state. */
export const saysBehind = (error: RpcError): boolean =>
  (behind.test(error.message) && !isOfContract(error)) || hasDropped(error);

/**
 * Whether a node lacks a block that others have: its head is older than what was asked of it, or its state is pruned.
 * @param head The newest block that any endpoint has told of.
 */
export function isBehind({ method, params }: RpcCall, answer: RpcAnswer, head: bigint | undefined): boolean {
  if ("error" in answer) return saysBehind(answer.error);
  if (method !== "eth_getBlockByNumber" || answer.result !== null || head === undefined) return false;
  const asked = quantity(params[0]);
  return asked !== undefined && asked <= head;
}

/** The head that an answer tells of, if it tells of one. */
export function headIn({ method, params }: RpcCall, answer: RpcAnswer): bigint | undefined {
  if ("error" in answer) return undefined;
  if (method === "eth_blockNumber") return quantity(answer.result);
  if (method !== "eth_getBlockByNumber" || params[0] !== "latest") return undefined;
  return quantity((answer.result as { number?: unknown } | null)?.number);
}

/** What is no answer at all to one of these: a block or logs that cannot be read; `undefined`: nothing is. */
export function unreadable(calls: readonly RpcCall[], answers: readonly RpcAnswer[]): string | undefined {
  for (const [index, { method, params }] of calls.entries()) {
    const answer = answers[index];
    if (!answer || "error" in answer) continue;
    const { result } = answer;
    if (method === "eth_getLogs" && result === null) return "its logs are null";
    if (method !== "eth_getBlockByNumber" || (result === null && params[0] !== "latest")) continue;
    if (!isBlock(result)) return params[0] === "latest" ? "its head is no block" : "what it gives for a block is none";
  }
  return undefined;
}

function isBlock(result: unknown): boolean {
  const { number, hash } = (result ?? {}) as Record<string, unknown>;
  return quantity(number) !== undefined && typeof hash === "string";
}

/** A hexadecimal number as nodes write it; `undefined` for anything else. */
export const quantity = (value: unknown): bigint | undefined =>
  typeof value === "string" && /^0x[0-9a-f]{1,64}$/i.test(value) ? BigInt(value) : undefined;

const tooManyCalls =
  /batch.{0,60}(too (large|big|many)|exceed|limit|max)|too many (calls|requests in)|(exceed|limit|max).{0,40}batch/i;

/** How a node refused a batch as such: `size` where a smaller one may pass, `always` where none will. */
export function batchRefusal(answers: readonly RpcAnswer[]): "size" | "always" | undefined {
  const [first] = answers;
  if (first === undefined || !("error" in first) || isOfContract(first.error)) return undefined;
  const { message, rpcCode } = first.error;
  const isSame = (answer: RpcAnswer) => "error" in answer && answer.error.message === message;
  if (!answers.every(isSame)) return undefined;
  if (tooManyCalls.test(message)) return "size";
  return /batch|expected (an )?object|cannot unmarshal array/i.test(message) || rpcCode === -32600
    ? "always"
    : undefined;
}

/** The same, where it was refused by the HTTP server in front of the node. */
export function batchRefusalByStatus(status: number | undefined): "size" | "always" | undefined {
  if (status === 413) return "size";
  return status !== undefined && [400, 405, 415, 422, 501].includes(status) ? "always" : undefined;
}
