import type { Clock } from "../../clock.ts";
import { EndpointError } from "./endpointError.ts";

type TokenBucketOptions = {
  /** Of the endpoint, for errors. */
  readonly name: string;
  /** 0: none, but pauses are kept. */
  readonly ratePerSecond: number;
  readonly clock: Clock;
  /** Milliseconds; who would have to wait longer is refused at once. */
  readonly maxWaitMs: number;
  /** @default 1000 */
  readonly maxQueued?: number;
  /** Requests that may go at once after a quiet time. @default a fifth of a second's worth */
  readonly burst?: number;
};

type TokenBucket = {
  /** Resolves when a request may go. @param urgent Goes before all others. @throws EndpointError `RATE_LIMITED` */
  readonly take: (urgent?: boolean) => Promise<void>;
  /** Lets nothing pass for so many ms from now; the longest pause counts. */
  readonly pause: (ms: number) => void;
  readonly pausedForMs: () => number;
  readonly queued: () => number;
};

type Waiting = { readonly go: () => void; readonly refuse: (error: Error) => void };

/** Spaces out the requests to one endpoint: first come, first served, in a queue that has an end. */
export function createTokenBucket(options: TokenBucketOptions): TokenBucket {
  const { name, ratePerSecond, clock, maxWaitMs, maxQueued = 1_000 } = options;
  const burst = options.burst ?? Math.max(1, Math.ceil(ratePerSecond / 5));
  const perMs = ratePerSecond / 1_000;
  const queue: Waiting[] = [];
  let tokens = burst;
  let refilledAt = clock.now();
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let isScheduled = false;

  const pausedForMs = () => Math.max(0, pausedUntil - clock.now());
  const isPlenty = (): boolean => {
    const now = clock.now();
    tokens = ratePerSecond === 0 ? burst : Math.min(burst, tokens + (now - refilledAt) * perMs);
    refilledAt = now;
    return tokens >= 1 - 1e-9;
  };
  /** Milliseconds until the request at a place in the queue may go. */
  const waitAt = (place: number): number => {
    isPlenty();
    if (ratePerSecond === 0) return pausedForMs();
    const afterRefill = (place + 1 - tokens) / perMs;
    const afterPause = pausedForMs() + Math.max(0, place + 1 - burst) / perMs;
    return Math.max(0, afterRefill, afterPause);
  };

  const release = () => {
    isScheduled = false;
    while (queue.length > 0 && pausedForMs() === 0 && isPlenty()) {
      tokens -= 1;
      queue.shift()?.go();
    }
    schedule();
  };
  const schedule = () => {
    if (isScheduled || queue.length === 0) return;
    isScheduled = true;
    clock.scheduler.schedule(release, Math.max(1, Math.ceil(waitAt(0))));
  };

  const limited = (why: string) =>
    new EndpointError(`the endpoint ${name} may not be asked at the moment: ${why}`, {
      code: "RATE_LIMITED",
      remedy: "the daemon tries again; if it happens often, add endpoints to rpc.http or look at rpc.rateLimit",
    });

  return {
    take: async (urgent = false) => {
      if (queue.length === 0 && pausedForMs() === 0 && isPlenty()) {
        tokens -= 1;
        return;
      }
      if (queue.length >= maxQueued && !urgent) throw limited(`${queue.length} requests wait for it`);
      const wait = Math.ceil(waitAt(urgent ? 0 : queue.length));
      if (wait > maxWaitMs) throw limited(`it is free again in ${wait} ms`);
      await new Promise<void>((resolve, reject) => {
        queue[urgent ? "unshift" : "push"]({ go: resolve, refuse: reject });
        schedule();
      });
    },
    pause: (ms) => {
      pausedUntil = Math.max(pausedUntil, clock.now() + ms);
      if (pausedForMs() <= maxWaitMs) return;
      for (const { refuse } of queue.splice(0)) refuse(limited(`it asked to be left alone for ${pausedForMs()} ms`));
    },
    pausedForMs,
    queued: () => queue.length,
  };
}
