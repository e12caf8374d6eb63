import { defer, firstValueFrom, fromEvent, map, merge, NEVER, type Observable, of, Subject, timer } from "rxjs";
import type { Clock } from "../../clock.ts";

/** Waits for news, for a while, or for an answer; an abort ends each. */
export type Wake = {
  /** Resolves at the next head, or at once if one came since it was last waited for. */
  readonly next: () => Promise<unknown>;
  /** @param ms Milliseconds. */
  readonly after: (ms: number) => Promise<unknown>;
  /** `undefined`: it was aborted; nobody hears any more what comes of the work. */
  readonly answer: <T>(work: Promise<T>) => Promise<T | undefined>;
  readonly close: () => void;
};

export function createWake(heads$: Observable<unknown>, { scheduler }: Clock, signal: AbortSignal | undefined): Wake {
  const news$ = new Subject<void>();
  let isNews = false;
  const subscription = heads$.subscribe(() => {
    isNews = true;
    news$.next();
  });
  // One that came while nobody waited is not told of again.
  const aborted$ = signal ? defer(() => (signal.aborted ? of(signal) : fromEvent(signal, "abort"))) : NEVER;
  return {
    next: async () => {
      if (!isNews) await firstValueFrom(merge(news$, aborted$));
      isNews = false;
    },
    after: async (ms) => firstValueFrom(merge(timer(ms, scheduler), aborted$)),
    answer: async (work) => firstValueFrom(merge(work, aborted$.pipe(map(() => undefined)))),
    close: () => subscription.unsubscribe(),
  };
}
