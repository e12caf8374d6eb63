import { type MonoTypeOperatorFunction, retry, timer } from "rxjs";
import type { Clock } from "../clock.ts";

type RetryForever = {
  readonly clock: Clock;
  /** Milliseconds before the second try; doubles each time. */
  readonly firstMs: number;
  readonly maxMs: number;
  readonly onRetry: (error: unknown, inMs: number) => void;
};

/** Tries again for ever, after a capped and doubling pause. */
export function retryForever<T>({ clock, firstMs, maxMs, onRetry }: RetryForever): MonoTypeOperatorFunction<T> {
  return retry({
    resetOnSuccess: true,
    delay: (error, count) => {
      const pause = Math.min(maxMs, firstMs * 2 ** Math.min(count - 1, 20));
      onRetry(error, pause);
      return timer(pause, clock.scheduler);
    },
  });
}
