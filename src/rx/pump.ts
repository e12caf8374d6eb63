import { Observable } from "rxjs";

/**
 * Reads step by step and stores each step, with one read ahead: the next read runs while the last is stored, and no
 * further, so that memory stays bounded however fast the reader is. Errors with what a read or a store threw; what was
 * read ahead is dropped then.
 *
 * @param steps The reads, begun anew for each subscriber.
 * @param store Answers what to emit.
 */
export function pump$<Step, T>(
  steps: () => AsyncGenerator<Step, void>,
  store: (step: Step) => Promise<readonly T[]>,
): Observable<T> {
  return new Observable((subscriber) => {
    const run = async () => {
      const reads = steps();
      let read = await reads.next();
      while (!read.done && !subscriber.closed) {
        const ahead = reads.next();
        // Whoever awaits it below sees its error; until then it is nobody's.
        ahead.catch(() => undefined);
        for (const value of await store(read.value)) subscriber.next(value);
        read = await ahead;
      }
    };
    run().then(
      () => subscriber.complete(),
      (error) => subscriber.error(error),
    );
  });
}
