import { firstValueFrom, fromEvent, merge, type Observable, race, Subject, timer } from "rxjs";
import type { Clock } from "../../clock.ts";

/** Waits for news, or for a while; an abort ends both. */
export type Wake = {
  /** Resolves at the next head, or at once if one came since it was last waited for. */
  readonly next: () => Promise<unknown>;
  /** @param ms Milliseconds. */
  readonly after: (ms: number) => Promise<unknown>;
  readonly close: () => void;
};

export function createWake(heads$: Observable<unknown>, { scheduler }: Clock, signal: AbortSignal | undefined): Wake {
  const news$ = new Subject<void>();
  let isNews = false;
  const subscription = heads$.subscribe(() => {
    isNews = true;
    news$.next();
  });
  const aborted$: readonly Observable<unknown>[] = signal ? [fromEvent(signal, "abort")] : [];
  return {
    next: async () => {
      if (!isNews) await firstValueFrom(race(news$, ...aborted$));
      isNews = false;
    },
    after: async (ms) => firstValueFrom(merge(timer(ms, scheduler), ...aborted$)),
    close: () => subscription.unsubscribe(),
  };
}
