import { concatMap, defer, Observable, type ObservableInput, type OperatorFunction } from "rxjs";

/**
 * Hands over everything that came while the last batch was being worked on as the next batch: no delay when idle, few
 * and large batches under load.
 *
 * @param limit Values that wait at the most; one more is given to `onOverflow` instead.
 */
export function batchWhileBusy<T, R>(
  { limit, onOverflow }: { readonly limit: number; readonly onOverflow: (value: T) => void },
  work: (batch: readonly T[]) => ObservableInput<R>,
): OperatorFunction<T, R> {
  return (source) =>
    defer(() => {
      let waiting: T[] = [];
      const wakes$ = new Observable<void>((subscriber) =>
        source.subscribe({
          next: (value) => {
            if (waiting.length >= limit) return onOverflow(value);
            waiting.push(value);
            if (waiting.length === 1) subscriber.next();
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      );
      return wakes$.pipe(
        concatMap(() =>
          defer(() => {
            const batch = waiting;
            waiting = [];
            return work(batch);
          }),
        ),
      );
    });
}
