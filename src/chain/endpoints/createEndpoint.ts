import type { Hex } from "../../protocol/brand.ts";
import { createJsonRpc } from "../createJsonRpc.ts";
import { answerTooLong } from "../exchange.ts";
import { type HttpRpc, type RpcAnswer, type RpcCall, type RpcError, resultOf, sendMethod } from "../jsonRpc.ts";
import { blockCall, toQuantity } from "../wire.ts";
import {
  backoffHint,
  batchRefusal,
  batchRefusalByStatus,
  isRateLimit,
  quantity,
  saysTooOften,
  unreadable,
} from "./answerShapes.ts";
import { createBatchWidth } from "./batchWidth.ts";
import { EndpointError, refusedBy, unanswered } from "./endpointError.ts";
import type { EndpointHealth } from "./endpointHealth.ts";
import { createRecord, type RecordOptions, type Siblings, wrongChain } from "./endpointRecord.ts";
import { blockToShow, headNotShown, isBlock, newestIn } from "./farHead.ts";
import { expectedCost } from "./healthState.ts";
import { inParallel, piecesOf } from "./inParallel.ts";
import { createMissingMethods } from "./missingMethods.ts";
import { refusedCalls } from "./refusedCalls.ts";
import { retryAfterMs } from "./retryAfter.ts";
import { createTokenBucket } from "./tokenBucket.ts";

export type EndpointOptions = RecordOptions & {
  readonly url: string;
  /** Bounds one request, and the wait before it. */
  readonly timeoutMs: number;
  /** Requests a second; 0: no limit. */
  readonly rateLimit: number;
  /** The most calls in one request. */
  readonly batchSize: number;
  /** What brings requests to the endpoint. @default JSON-RPC over HTTP or a WebSocket, as the URL says */
  readonly connect?: (options: { readonly url: string; readonly timeoutMs: number; readonly name: string }) => HttpRpc;
};

/** One endpoint: its pace, its batches and its health are looked after. */
export type Endpoint = HttpRpc & {
  /** Sends a signed transaction, before everything that waits. @throws RpcError, or RetryableError as `call`. */
  readonly send: (raw: Hex) => Promise<Hex>;
  /** Whether it is known to refuse one of these, as it did lately: another endpoint is asked first. */
  readonly lacks: (calls: readonly RpcCall[]) => boolean;
  /** For a while it counts as one that refuses this method: what it answers is nothing. @param why How that is known. */
  readonly passOver: (method: string, why: Error) => void;
  readonly health: () => EndpointHealth;
  /** Leaves it alone where there is another: until this resolves, and for good where that is with `false`. */
  readonly leaveAlone: (isFit: Promise<boolean>) => void;
  /** When it was asked last, on the clock. */
  readonly askedAt: () => number;
};

/** What is made of answers. @param startedAt When the request went out. */
type OnAnswers = (calls: readonly RpcCall[], answers: readonly RpcAnswer[], startedAt: number) => Promise<void>;

const requestsAtOnce = 4;

export function createEndpoint(options: EndpointOptions, siblings: Siblings): Endpoint {
  const { url, name, timeoutMs, clock, report, chainId, connect = createJsonRpc } = options;
  const rpc = connect({ url, timeoutMs, name });
  const bucket = createTokenBucket({ name, ratePerSecond: options.rateLimit, clock, maxWaitMs: timeoutMs });
  const width = createBatchWidth(options.batchSize, clock);
  const record = createRecord(options, siblings);
  const missing = createMissingMethods(clock);
  let askedAt = Number.NEGATIVE_INFINITY;
  let verifying: Promise<void> | undefined;
  let isLeftAlone = false;
  /** The newest block that it had to show, and did. */
  let shown = 0n;

  const passOver: Endpoint["passOver"] = (method, error) => {
    if (missing.refused(method)) report({ type: "endpoint", endpoint: name, event: "lacks", method, error });
  };
  const pause = (startedAt: number, asked: number | undefined) => {
    const forMs = record.limited(startedAt, asked);
    if (bucket.pausedForMs() === 0) report({ type: "endpoint", endpoint: name, event: "limited", forMs });
    bucket.pause(forMs);
  };

  /** One request, or several where the endpoint does not take them as one. */
  const request = async (
    calls: readonly RpcCall[],
    urgent: boolean,
    onAnswers: OnAnswers = believe,
  ): Promise<readonly RpcAnswer[]> => {
    askedAt = clock.now();
    await bucket.take(urgent);
    const startedAt = clock.now();
    askedAt = startedAt;
    let answers: readonly RpcAnswer[];
    try {
      answers = await rpc.batch(calls);
    } catch (error) {
      const { status, retryAfter, code } = error as Partial<EndpointError>;
      const logs = calls.filter(({ method }) => method === "eth_getLogs").length;
      // Many logs are neither the endpoint's fault nor the batch's. Whoever asked for a range of them asks for less of it.
      if (code === answerTooLong.code && logs === 1) throw error;
      if (code === answerTooLong.code && logs > 1) return inWidth(calls, urgent, Math.ceil(calls.length / 2));
      const why = calls.length > 1 ? batchRefusalByStatus(status) : undefined;
      if (why !== undefined) return inPieces(calls, urgent, why);
      if (status === 429 || retryAfter !== undefined) pause(startedAt, retryAfterMs(retryAfter, clock.now()));
      else record.failed(error as Error, startedAt);
      throw error;
    }
    const refused = refusedCalls(calls, answers);
    if (refused?.account) {
      const error = refusedBy(name, refused.account.fault, refused.account.error);
      record.failed(error, startedAt);
      missing.forget();
      throw error;
    }
    const limit = answers.find((answer) => "error" in answer && isRateLimit(answer.error));
    if (limit && "error" in limit) {
      pause(startedAt, backoffHint(limit.error));
      throw askedTooOften(name, limit.error);
    }
    const why = calls.length > 1 && !refused?.isAll ? batchRefusal(answers) : undefined;
    if (why !== undefined) return inPieces(calls, urgent, why);
    const malformed = unreadable(calls, answers);
    if (malformed !== undefined) {
      const error = unanswered(name, malformed);
      record.failed(error, startedAt);
      throw error;
    }
    await onAnswers(calls, answers, startedAt);
    missing.answered(calls, answers);
    for (const [method, error] of refused?.methods ?? []) passOver(method, error);
    return answers;
  };

  /** @throws EndpointError where this head is far above all that is known, and the endpoint lacks the blocks below it. */
  const requireShown = async (head: bigint | undefined, startedAt: number): Promise<void> => {
    const others = siblings.newestBesides(name);
    if (head === undefined || others === undefined) return;
    const known = others > shown ? others : shown;
    const block = blockToShow(head, known);
    if (block === undefined) return;
    const call = blockCall(toQuantity(block));
    // It is part of the question, and says nothing of the endpoint before it is compared.
    const [answer] = await request([call], false, async () => undefined);
    if (!isBlock(answer, block)) {
      const error = headNotShown(name, { head, asked: block, known });
      record.exaggerated(error, startedAt, head - known);
      throw error;
    }
    if (block > shown) shown = block;
  };

  const believe: OnAnswers = async (calls, answers, startedAt) => {
    await requireShown(newestIn(calls, answers), startedAt);
    record.answered(calls, answers, startedAt);
  };

  const inPieces = async (calls: readonly RpcCall[], urgent: boolean, why: "size" | "always") => {
    if (width.refused(why, calls.length))
      report({ type: "endpoint", endpoint: name, event: "batch", size: width.current() });
    return inWidth(calls, urgent);
  };
  const inWidth = async (
    calls: readonly RpcCall[],
    urgent: boolean,
    most = width.current(),
  ): Promise<readonly RpcAnswer[]> => {
    const pieces = piecesOf(calls, most);
    // Of logs of a range no node says that it lacks some: the block that is asked for before and after them must have been there.
    const atOnce = calls.some(isRangeOfLogs) ? 1 : requestsAtOnce;
    return (await inParallel(pieces, atOnce, (piece) => request(piece, urgent))).flat();
  };

  const verify = async (): Promise<void> => {
    const [answer] = await request([{ method: "eth_chainId", params: [] }], false);
    const id = answer && "result" in answer ? quantity(answer.result) : undefined;
    if (!record.isVerified()) throw wrongChain(name, id, chainId);
  };
  const ask = async (calls: readonly RpcCall[], urgent: boolean): Promise<readonly RpcAnswer[]> => {
    if (calls.length === 0) return [];
    if (!record.isVerified() && calls.every(({ method }) => method !== "eth_chainId")) {
      verifying ??= verify().finally(() => {
        verifying = undefined;
      });
      await verifying;
    }
    return inWidth(calls, urgent);
  };
  const askOne = async (call: RpcCall, urgent: boolean) => resultOf((await ask([call], urgent))[0]);

  return {
    name,
    batch: (calls) => ask(calls, false),
    call: async <T>(method: string, ...params: readonly unknown[]) => (await askOne({ method, params }, false)) as T,
    send: async (raw) => (await askOne({ method: sendMethod, params: [raw] }, true)) as Hex,
    askedAt: () => askedAt,
    lacks: missing.includes,
    leaveAlone: (isFit) => {
      isLeftAlone = true;
      void isFit.then((fit) => {
        isLeftAlone = !fit;
      });
    },
    passOver,
    health: () => {
      const now = clock.now();
      const state = record.state();
      const coolingMs = Math.max(isLeftAlone ? timeoutMs : 0, state.coolUntil - now);
      const limitedMs = bucket.pausedForMs();
      return {
        name,
        state: coolingMs > 0 ? "cooling" : limitedMs > 0 ? "limited" : "healthy",
        forMs: Math.max(coolingMs, limitedMs),
        isRefusing: record.isRefusing(),
        failureRate: state.failureRate,
        failuresInRow: state.failuresInRow,
        latencyMs: state.latencyMs,
        head: state.head,
        lag: state.lag,
        ahead: record.ahead(),
        batchSize: width.current(),
        queued: bucket.queued(),
        cost: Math.round(expectedCost(state, now)),
      };
    },
  };
}

const isRangeOfLogs = ({ method, params: [filter] }: RpcCall): boolean =>
  method === "eth_getLogs" && (filter as { blockHash?: unknown } | undefined)?.blockHash === undefined;

/** @param cause Its words are in the message only where they may also ask for a narrower range of logs. */
const askedTooOften = (name: string, cause: RpcError) => {
  const words = saysTooOften(cause) ? "" : `: ${cause.message.slice(0, 200)}`;
  return new EndpointError(`the endpoint ${name} is asked too often${words}`, {
    code: "RATE_LIMITED",
    remedy: "set rpc.rateLimit below its limit, or add endpoints to rpc.http; the daemon tries again",
    cause,
  });
};
