import { Observable, type OperatorFunction, Subscription } from "rxjs";

/**
 * Works on each key at most once at a time. A key that comes while it waits is not queued twice; one that comes while
 * it is being worked on is worked on once more afterwards, so that the last word is always seen.
 *
 * Memory is bounded by the number of different keys.
 *
 * @param concurrency How many keys are worked on at once.
 * @param work Must not error: an item's failure is its own.
 */
export function coalesceByKey<K, R>(concurrency: number, work: (key: K) => Observable<R>): OperatorFunction<K, R> {
  return (source) =>
    new Observable((subscriber) => {
      const waiting = new Set<K>();
      const running = new Set<K>();
      const again = new Set<K>();
      const subscriptions = new Subscription();
      let sourceDone = false;

      const next = () => {
        for (const key of waiting) {
          if (running.size >= concurrency) return;
          waiting.delete(key);
          run(key);
        }
        if (sourceDone && running.size === 0 && waiting.size === 0) subscriber.complete();
      };
      const run = (key: K) => {
        running.add(key);
        const subscription = new Subscription();
        subscriptions.add(subscription);
        subscription.add(
          work(key).subscribe({
            next: (value) => subscriber.next(value),
            error: (error) => subscriber.error(error),
            complete: () => {
              subscriptions.remove(subscription);
              running.delete(key);
              if (again.delete(key)) waiting.add(key);
              next();
            },
          }),
        );
      };

      subscriptions.add(
        source.subscribe({
          next: (key) => {
            (running.has(key) ? again : waiting).add(key);
            next();
          },
          error: (error) => subscriber.error(error),
          complete: () => {
            sourceDone = true;
            next();
          },
        }),
      );
      return subscriptions;
    });
}
