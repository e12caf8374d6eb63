import type { Clock } from "../../clock.ts";
import type { Reporter } from "../../report.ts";
import type { RpcAnswer, RpcCall } from "../jsonRpc.ts";
import { headIn, isBehind, quantity } from "./answerShapes.ts";
import { accountRefused, EndpointError } from "./endpointError.ts";
import { afterAnswer, afterFailure, afterHead, freshHealth, type HealthState } from "./healthState.ts";

export type RecordOptions = {
  readonly name: string;
  readonly clock: Clock;
  /** Between 0 and 1, for the jitter. */
  readonly random: () => number;
  /** How long an endpoint is left alone after a failure, in ms. */
  readonly cooldownMs: number;
  /** Asked for before the first answer is believed, and again after each failure. @default not asked for */
  readonly chainId?: number | undefined;
  readonly report: Reporter;
};

/** What an endpoint needs of the others. */
export type Siblings = {
  /** The newest head that any of them told of. */
  readonly newestHead: () => bigint | undefined;
  /** The newest head that the others told of, 0 where they told of none; `undefined`: there is no other. */
  readonly newestBesides: (name: string) => bigint | undefined;
  readonly onHead: (name: string, head: bigint) => void;
};

/** What is known of one endpoint, and told once when it changes. `startedAt` is when the request went out. */
type EndpointRecord = {
  readonly state: () => HealthState;
  /** Whether it has said that it serves the right chain. */
  readonly isVerified: () => boolean;
  /** Whether it refuses whoever asks, and has not answered since. */
  readonly isRefusing: () => boolean;
  /** As in `EndpointHealth`. */
  readonly ahead: () => number;
  readonly failed: (error: Error, startedAt: number) => void;
  /** It told of a head that it cannot show: it failed, until a head of its is believed. @param by How many blocks. */
  readonly exaggerated: (error: Error, startedAt: number, by: bigint) => void;
  readonly answered: (calls: readonly RpcCall[], answers: readonly RpcAnswer[], startedAt: number) => void;
  /** It was asked too often. @param asked The pause that it asked for, in ms. @returns the pause to make. */
  readonly limited: (startedAt: number, asked: number | undefined) => number;
};

const small = ["eth_blockNumber", "eth_getBlockByNumber"];
const firstPauseMs = 1_000;

export function createRecord(
  options: RecordOptions,
  { newestHead, onHead }: Pick<Siblings, "newestHead" | "onHead">,
): EndpointRecord {
  const { name, clock, random, cooldownMs, chainId, report } = options;
  let state = freshHealth(clock.now());
  let isVerified = chainId === undefined;
  let isRefusing = false;
  let ahead = 0;
  let limitsInRow = 0;
  let limitedAt = Number.NEGATIVE_INFINITY;

  const failed = (error: Error, startedAt: number, by = 0n) => {
    const now = clock.now();
    const wasUp = state.failuresInRow === 0;
    state = afterFailure(state, { startedAt, now, cooldownMs, jitter: random() });
    isVerified = chainId === undefined;
    const isDown = state.failuresInRow > 0;
    const forMs = Math.max(0, state.coolUntil - now);
    const refuses = error instanceof EndpointError && error.code === accountRefused.code;
    const wasAhead = ahead > 0;
    if (by > 0n) ahead = Number(by);
    if (by > 0n && !wasAhead) report({ type: "endpoint", endpoint: name, event: "ahead", error, forMs });
    else if (refuses && isDown && !isRefusing) {
      isRefusing = true;
      report({ type: "endpoint", endpoint: name, event: "refused", error, forMs });
    } else if (wasUp && isDown) report({ type: "endpoint", endpoint: name, event: "down", error, forMs });
  };

  return {
    state: () => state,
    isVerified: () => isVerified,
    isRefusing: () => isRefusing,
    ahead: () => ahead,
    failed: (error, startedAt) => failed(error, startedAt),
    exaggerated: failed,

    answered: (calls, answers, startedAt) => {
      const pairs = calls.map((call, index) => [call, answers[index] as RpcAnswer] as const);
      const idAnswer = pairs.find(([{ method }]) => method === "eth_chainId")?.[1];
      if (idAnswer && chainId !== undefined) {
        const id = "result" in idAnswer ? quantity(idAnswer.result) : undefined;
        if (id !== BigInt(chainId)) return failed(wrongChain(name, id, chainId), startedAt);
        isVerified = true;
      }
      // Many a gateway tells its chain to anybody.
      if (isRefusing && calls.every(({ method }) => method === "eth_chainId")) return;
      const heads = pairs.flatMap(([call, answer]) => headIn(call, answer) ?? []);
      // Whatever else it answers, it may still lead astray.
      if (ahead > 0 && heads.length === 0) return;
      if (heads.length > 0) ahead = 0;
      const wasDown = state.failuresInRow > 0;
      const newest = newestHead();
      state = afterAnswer(state, {
        startedAt,
        now: clock.now(),
        isBehind: pairs.some(([call, answer]) => isBehind(call, answer, newest)),
        isSmall: calls.length === 1 && small.includes(calls[0]?.method ?? ""),
      });
      if (startedAt >= limitedAt) limitsInRow = 0;
      if (wasDown && state.failuresInRow === 0) {
        isRefusing = false;
        report({ type: "endpoint", endpoint: name, event: "up" });
      }
      for (const head of heads) {
        state = afterHead(state, head, newest ?? head);
        onHead(name, head);
      }
    },

    limited: (startedAt, asked) => {
      if (startedAt >= limitedAt) limitsInRow += 1;
      limitedAt = clock.now();
      const guess = Math.min(cooldownMs, firstPauseMs * 2 ** Math.min(limitsInRow - 1, 10));
      return Math.round(asked ?? guess * (0.75 + random() / 2));
    },
  };
}

export const wrongChain = (name: string, id: bigint | undefined, chainId: number | undefined) =>
  new EndpointError(`the endpoint ${name} serves chain ${id ?? "unknown"}, not chain ${chainId}: it is not used`, {
    code: "CHAIN_ID_MISMATCH",
    remedy: "take it out of rpc.http",
  });
