import { concatMap, defer, from, Observable, type ObservableInput, type OperatorFunction } from "rxjs";

type BatchWhileBusy<T> = {
  /** Values that wait at the most; one more is given to `onOverflow` instead. */
  readonly limit: number;
  readonly onOverflow: (value: T) => void;
  /** Lets what comes in the same stretch of work go along, such as all that one read of a socket brought. @default false */
  readonly isPatient?: boolean;
};

/**
 * Hands over everything that came while the last batch was being worked on as the next batch: no delay when idle, few
 * and large batches under load.
 */
export function batchWhileBusy<T, R>(
  { limit, onOverflow, isPatient = false }: BatchWhileBusy<T>,
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
      const take = (): ObservableInput<R> => {
        const batch = waiting;
        waiting = [];
        return work(batch);
      };
      return wakes$.pipe(concatMap(() => (isPatient ? from(microtask()).pipe(concatMap(take)) : take())));
    });
}

const microtask = async (): Promise<void> => undefined;
