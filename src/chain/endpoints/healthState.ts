/** What is remembered of one endpoint's recent behaviour. Times are milliseconds of the clock. */
export type HealthState = {
  /** Share of failures, 0 to 1; recent ones weigh most, and time heals. */
  readonly failureRate: number;
  /** The same for answers that lacked a block which others have. */
  readonly behindRate: number;
  /** When the two were computed. */
  readonly ratedAt: number;
  /** Of small requests, smoothed, in ms. */
  readonly latencyMs: number | undefined;
  /** Failures without an answer between them; many at once are one. */
  readonly failuresInRow: number;
  readonly failedAt: number;
  /** Left alone until then, where there is another. */
  readonly coolUntil: number;
  readonly head: bigint | undefined;
  /** Blocks behind the newest head of all endpoints, when it last told its own. */
  readonly lag: number;
};

export const freshHealth = (now: number): HealthState => ({
  failureRate: 0,
  behindRate: 0,
  ratedAt: now,
  latencyMs: undefined,
  failuresInRow: 0,
  failedAt: Number.NEGATIVE_INFINITY,
  coolUntil: Number.NEGATIVE_INFINITY,
  head: undefined,
  lag: 0,
});

const halfLifeMs = 60_000;
const weight = 0.2;
const decayed = (rate: number, forMs: number) => rate * 0.5 ** (Math.max(0, forMs) / halfLifeMs);
const towards = (rate: number, to: 0 | 1) => rate + weight * (to - rate);

function rated(state: HealthState, now: number, failed: 0 | 1, behind: 0 | 1): HealthState {
  const forMs = now - state.ratedAt;
  return {
    ...state,
    failureRate: towards(decayed(state.failureRate, forMs), failed),
    behindRate: towards(decayed(state.behindRate, forMs), behind),
    ratedAt: now,
  };
}

/** An answer came. One that was asked for before the last failure does not end the cool-down. */
export function afterAnswer(
  state: HealthState,
  { startedAt, now, isBehind, isSmall }: { startedAt: number; now: number; isBehind: boolean; isSmall: boolean },
): HealthState {
  const next = rated(state, now, 0, isBehind ? 1 : 0);
  const took = now - startedAt;
  const latencyMs = isSmall
    ? Math.round(next.latencyMs === undefined ? took : next.latencyMs + weight * (took - next.latencyMs))
    : next.latencyMs;
  if (startedAt < state.failedAt) return { ...next, latencyMs };
  return { ...next, latencyMs, failuresInRow: 0, coolUntil: Number.NEGATIVE_INFINITY };
}

const mostDoublings = 3;

/**
 * No answer came. The cool-down doubles with each failure in a row, up to eight times.
 * @param jitter Between 0 and 1.
 */
export function afterFailure(
  state: HealthState,
  { startedAt, now, cooldownMs, jitter }: { startedAt: number; now: number; cooldownMs: number; jitter: number },
): HealthState {
  const next = rated(state, now, 1, 0);
  if (startedAt <= state.failedAt) return next;
  const pause = cooldownMs * 2 ** Math.min(state.failuresInRow, mostDoublings) * (0.75 + jitter / 2);
  return { ...next, failuresInRow: state.failuresInRow + 1, failedAt: now, coolUntil: now + Math.round(pause) };
}

/** @param newest The newest head that any endpoint told of. */
export const afterHead = (state: HealthState, head: bigint, newest: bigint): HealthState => ({
  ...state,
  head,
  lag: newest > head ? Number(newest - head) : 0,
});

const usualLatencyMs = 100;
/** Endpoints are not asked at the same moment, so a block or two of lag mean nothing. */
const usualLag = 2;
const worstLag = 50;

/** What asking it is expected to cost, in ms: the cheapest endpoint is the healthiest. */
export function expectedCost(state: HealthState, now: number): number {
  const { latencyMs = usualLatencyMs, lag, failureRate, behindRate, ratedAt } = state;
  const forMs = now - ratedAt;
  const late = Math.min(worstLag, Math.max(0, lag - usualLag));
  return latencyMs + 5_000 * decayed(failureRate, forMs) + 1_000 * decayed(behindRate, forMs) + 100 * late;
}
