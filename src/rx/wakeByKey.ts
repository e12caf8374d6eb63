import { Observable, type OperatorFunction, type SchedulerLike, Subscription } from "rxjs";

export type Wake<K> = { readonly key: K; readonly inMs: number };

/** Longer pauses overflow a timer and fire at once: whoever is woken early asks again. */
const longestMs = 24 * 60 * 60 * 1000;

/**
 * Emits each key after its pause. A key has one timer at the most: the newest word replaces the one before, so that
 * timers cannot pile up however often a key is asked for.
 *
 * Completes at once when its source has; what was still to come is dropped.
 */
export function wakeByKey<K>(scheduler: SchedulerLike): OperatorFunction<Wake<K>, K> {
  return (source) =>
    new Observable((subscriber) => {
      const timers = new Map<K, Subscription>();
      const all = new Subscription();
      const set = ({ key, inMs }: Wake<K>) => {
        timers.get(key)?.unsubscribe();
        const wake = scheduler.schedule(
          () => {
            timers.delete(key);
            all.remove(wake);
            subscriber.next(key);
          },
          Math.min(inMs, longestMs),
        );
        timers.set(key, wake);
        all.add(wake);
      };
      all.add(
        source.subscribe({
          next: set,
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      );
      return all;
    });
}
