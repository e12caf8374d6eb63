import type { Clock } from "../../clock.ts";
import type { Hex } from "../../protocol/brand.ts";
import type { Reporter } from "../../report.ts";
import { createHttpRpc, type HttpRpc, type RpcAnswer, type RpcCall, resultOf } from "../jsonRpc.ts";
import * as shape from "./answerShapes.ts";
import { createBatchWidth } from "./batchWidth.ts";
import { EndpointError } from "./endpointError.ts";
import type { EndpointHealth } from "./endpointHealth.ts";
import { afterAnswer, afterFailure, afterHead, expectedCost, freshHealth } from "./healthState.ts";
import { inParallel, piecesOf } from "./inParallel.ts";
import { retryAfterMs } from "./retryAfter.ts";
import { createTokenBucket } from "./tokenBucket.ts";

export type EndpointOptions = {
  readonly url: string;
  readonly name: string;
  /** Bounds one HTTP request, and the wait before it. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Between 0 and 1, for the jitter. */
  readonly random: () => number;
  /** HTTP requests a second; 0: no limit. */
  readonly rateLimit: number;
  /** The most calls in one HTTP request. */
  readonly batchSize: number;
  /** How long it is left alone after a failure, in ms. */
  readonly cooldownMs: number;
  /** Asked for before its first answer is believed, and again after each failure. */
  readonly chainId?: number | undefined;
  readonly report: Reporter;
};

/** What an endpoint needs of the others. */
export type Siblings = {
  /** The newest head that any of them told of. */
  readonly newestHead: () => bigint | undefined;
  readonly onHead: (name: string, head: bigint) => void;
};

/** One endpoint: its pace, its batches and its health are looked after. */
export type Endpoint = HttpRpc & {
  /** Sends a signed transaction, before everything that waits. @throws RpcError, or RetryableError as `call`. */
  readonly send: (raw: Hex) => Promise<Hex>;
  readonly health: () => EndpointHealth;
  /** When it was asked last, on the clock. */
  readonly askedAt: () => number;
};

const requestsAtOnce = 4;
const firstPauseMs = 1_000;

export function createEndpoint(options: EndpointOptions, { newestHead, onHead }: Siblings): Endpoint {
  const { url, name, timeoutMs, clock, random, cooldownMs, chainId, report } = options;
  const rpc = createHttpRpc({ url, timeoutMs, name });
  const bucket = createTokenBucket({ name, ratePerSecond: options.rateLimit, clock, maxWaitMs: timeoutMs });
  const width = createBatchWidth(options.batchSize, clock);
  let health = freshHealth(clock.now());
  let askedAt = Number.NEGATIVE_INFINITY;
  let isVerified = chainId === undefined;
  let verifying: Promise<void> | undefined;
  let limitsInRow = 0;
  let limitedAt = Number.NEGATIVE_INFINITY;

  const noteFailure = (error: Error, startedAt: number) => {
    const now = clock.now();
    const wasDown = health.failuresInRow > 0;
    health = afterFailure(health, { startedAt, now, cooldownMs, jitter: random() });
    isVerified = chainId === undefined;
    if (!wasDown) report({ type: "endpoint", endpoint: name, event: "down", error, forMs: health.coolUntil - now });
  };

  const noteLimit = (startedAt: number, asked: number | undefined) => {
    if (startedAt >= limitedAt) limitsInRow += 1;
    const guess = Math.min(cooldownMs, firstPauseMs * 2 ** Math.min(limitsInRow - 1, 10)) * (0.75 + random() / 2);
    const forMs = Math.round(asked ?? guess);
    const isNews = bucket.pausedForMs() === 0;
    limitedAt = clock.now();
    bucket.pause(forMs);
    if (isNews) report({ type: "endpoint", endpoint: name, event: "limited", forMs });
  };

  const noteAnswers = (calls: readonly RpcCall[], answers: readonly RpcAnswer[], startedAt: number) => {
    const wasDown = health.failuresInRow > 0;
    const newest = newestHead();
    const pairs = calls.map((call, index) => [call, answers[index] as RpcAnswer] as const);
    health = afterAnswer(health, {
      startedAt,
      now: clock.now(),
      isBehind: pairs.some(([call, answer]) => shape.isBehind(call, answer, newest)),
      isSmall: calls.length === 1 && ["eth_blockNumber", "eth_getBlockByNumber"].includes(calls[0]?.method ?? ""),
    });
    if (startedAt >= limitedAt) limitsInRow = 0;
    for (const [call, answer] of pairs) {
      if (call.method === "eth_chainId") checkChain(answer, startedAt);
      const head = isVerified ? shape.headIn(call, answer) : undefined;
      if (head === undefined) continue;
      health = afterHead(health, head, newest ?? head);
      onHead(name, head);
    }
    if (wasDown && health.failuresInRow === 0) report({ type: "endpoint", endpoint: name, event: "up" });
  };

  const checkChain = (answer: RpcAnswer, startedAt: number) => {
    const id = "result" in answer ? shape.quantity(answer.result) : undefined;
    isVerified = chainId === undefined || id === BigInt(chainId);
    if (!isVerified) noteFailure(wrongChain(id), startedAt);
  };
  const wrongChain = (id: bigint | undefined) =>
    new EndpointError(`the endpoint ${name} serves chain ${id ?? "unknown"}, not chain ${chainId}: it is not used`, {
      code: "CHAIN_ID_MISMATCH",
      remedy: "take it out of rpc.http",
    });

  /** One HTTP request, or several where the endpoint does not take them as one. */
  const request = async (calls: readonly RpcCall[], urgent: boolean): Promise<readonly RpcAnswer[]> => {
    askedAt = clock.now();
    await bucket.take(urgent);
    const startedAt = clock.now();
    askedAt = startedAt;
    let answers: readonly RpcAnswer[];
    try {
      answers = await rpc.batch(calls);
    } catch (error) {
      const { status, retryAfter } = error as Partial<EndpointError>;
      const why = calls.length > 1 ? shape.batchRefusalByStatus(status) : undefined;
      if (why !== undefined) return inPieces(calls, urgent, why);
      if (status === 429 || retryAfter !== undefined) noteLimit(startedAt, retryAfterMs(retryAfter, clock.now()));
      else noteFailure(error as Error, startedAt);
      throw error;
    }
    const limit = answers.find((answer) => "error" in answer && shape.isRateLimit(answer.error));
    if (limit && "error" in limit) {
      noteLimit(startedAt, shape.backoffHint(limit.error));
      throw new EndpointError(`the endpoint ${name} is asked too often: ${limit.error.message.slice(0, 200)}`, {
        code: "RATE_LIMITED",
        remedy: "set rpc.rateLimit below its limit, or add endpoints to rpc.http; the daemon tries again",
      });
    }
    const why = calls.length > 1 ? shape.batchRefusal(answers) : undefined;
    if (why !== undefined) return inPieces(calls, urgent, why);
    noteAnswers(calls, answers, startedAt);
    return answers;
  };

  const inPieces = async (calls: readonly RpcCall[], urgent: boolean, why: "size" | "always") => {
    if (width.refused(why, calls.length))
      report({ type: "endpoint", endpoint: name, event: "batch", size: width.current() });
    return inWidth(calls, urgent);
  };
  const inWidth = async (calls: readonly RpcCall[], urgent: boolean): Promise<readonly RpcAnswer[]> => {
    const pieces = piecesOf(calls, width.current());
    return (await inParallel(pieces, requestsAtOnce, (piece) => request(piece, urgent))).flat();
  };

  const verify = async (): Promise<void> => {
    const [answer] = await request([{ method: "eth_chainId", params: [] }], false);
    if (!isVerified) throw wrongChain(answer && "result" in answer ? shape.quantity(answer.result) : undefined);
  };

  const batchAs = async (calls: readonly RpcCall[], urgent: boolean): Promise<readonly RpcAnswer[]> => {
    if (calls.length === 0) return [];
    if (!isVerified && calls.every(({ method }) => method !== "eth_chainId")) {
      verifying ??= verify().finally(() => {
        verifying = undefined;
      });
      await verifying;
    }
    return inWidth(calls, urgent);
  };

  return {
    name,
    batch: (calls) => batchAs(calls, false),
    call: async <T>(method: string, ...params: readonly unknown[]) =>
      resultOf((await batchAs([{ method, params }], false))[0]) as T,
    send: async (raw) => resultOf((await batchAs([{ method: "eth_sendRawTransaction", params: [raw] }], true))[0]) as Hex,
    askedAt: () => askedAt,
    health: () => {
      const now = clock.now();
      const coolingForMs = Math.max(0, health.coolUntil - now);
      const limitedForMs = bucket.pausedForMs();
      const { failureRate, latencyMs, head, lag } = health;
      return {
        name,
        state: coolingForMs > 0 ? "cooling" : limitedForMs > 0 ? "limited" : "healthy",
        forMs: Math.max(coolingForMs, limitedForMs),
        ...{ failureRate, latencyMs, head, lag },
        batchSize: width.current(),
        queued: bucket.queued(),
        cost: Math.round(expectedCost(health, now)),
      };
    },
  };
}
