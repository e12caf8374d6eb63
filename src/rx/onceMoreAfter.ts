import {
  concat,
  dematerialize,
  type MonoTypeOperatorFunction,
  map,
  materialize,
  of,
  type SchedulerLike,
  switchMap,
  timer,
} from "rxjs";

/** Each value at once, and once more after so many milliseconds, where no other has come by then. Completes with its source. */
export function onceMoreAfter<T>(ms: number, scheduler: SchedulerLike): MonoTypeOperatorFunction<T> {
  return (source) =>
    source.pipe(
      materialize(),
      switchMap((told) => concat(of(told), timer(ms, scheduler).pipe(map(() => told)))),
      dematerialize(),
    );
}
