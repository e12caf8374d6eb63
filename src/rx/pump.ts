import { Observable } from "rxjs";

/**
 * Reads step by step and stores each step, with one read ahead: the next read runs while the last is stored, and no
 * further, so that memory stays bounded however fast the reader is. Errors with what a read or a store threw; what was
 * read ahead is dropped then.
 *
 * @param first The first read; `undefined` where there is nothing to read.
 * @param next The read that follows; `undefined` after the last.
 */
export function pump$<Step, T>(
  first: () => Promise<Step | undefined>,
  next: (step: Step) => (() => Promise<Step | undefined>) | undefined,
  store: (step: Step) => Promise<readonly T[]>,
): Observable<T> {
  return new Observable((subscriber) => {
    const run = async () => {
      let step = await first();
      while (step !== undefined && !subscriber.closed) {
        const ahead = next(step)?.();
        // Whoever awaits it below sees its error; until then it is nobody's.
        ahead?.catch(() => undefined);
        for (const value of await store(step)) subscriber.next(value);
        step = await ahead;
      }
    };
    run().then(
      () => subscriber.complete(),
      (error) => subscriber.error(error),
    );
  });
}
