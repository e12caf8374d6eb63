import fc from "fast-check";
import { from, lastValueFrom, of, Subject, timer } from "rxjs";
import { concatMap, map } from "rxjs/operators";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, it } from "vitest";
import { batchWhileBusy } from "../../../src/rx/batchWhileBusy.ts";

const scheduler = () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
const overflowForbidden = () => {
  throw new Error("nothing may overflow here");
};

describe("batchWhileBusy", () => {
  it("hands a value over at once when idle, and what came meanwhile as one batch", () => {
    scheduler().run(({ hot, expectObservable }) => {
      const source = hot("a-b-c-------d|");
      const work = (batch: readonly string[]) => timer(5).pipe(map(() => batch.join("")));
      const result = source.pipe(batchWhileBusy({ limit: 10, onOverflow: overflowForbidden }, work));
      expectObservable(result).toBe("-----x----y------(z|)", { x: "a", y: "bc", z: "d" });
    });
  });

  it("takes along what comes in the same stretch of work where it is patient, and completes with it", async () => {
    const source = new Subject<string>();
    const batches: string[] = [];
    const work = async (batch: readonly string[]) => void batches.push(batch.join(""));
    const done = lastValueFrom(
      source.pipe(
        batchWhileBusy({ limit: 2, onOverflow: (value) => batches.push(`-${value}`), isPatient: true }, work),
      ),
    );
    for (const value of ["a", "b", "c"]) source.next(value);
    expect(batches).toEqual(["-c"]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches).toEqual(["-c", "ab"]);
    source.next("d");
    source.complete();
    await done;
    expect(batches).toEqual(["-c", "ab", "d"]);
  });

  it("loses nothing, changes no order, and counts what does not fit", () => {
    const arrivals = fc.array(fc.nat(30), { maxLength: 80 }).map((times) => times.sort((a, b) => a - b));
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 10 }), fc.nat(6), (times, limit, length) => {
        const virtual = scheduler();
        virtual.run(() => {
          const source = new Subject<number>();
          const worked: number[] = [];
          const overflown: number[] = [];
          let completed = false;
          source
            .pipe(
              batchWhileBusy({ limit, onOverflow: (value) => overflown.push(value) }, (batch) => {
                expect(batch.length).toBeGreaterThan(0);
                expect(batch.length).toBeLessThanOrEqual(limit);
                return timer(length).pipe(concatMap(() => from(batch)));
              }),
            )
            .subscribe({
              next: (value) => worked.push(value),
              complete: () => {
                completed = true;
              },
            });
          times.forEach((at, value) => {
            timer(at).subscribe(() => source.next(value));
          });
          timer(31).subscribe(() => source.complete());
          virtual.flush();
          expect(completed).toBe(true);
          expect(worked).toEqual([...worked].sort((a, b) => a - b));
          expect([...worked, ...overflown].sort((a, b) => a - b)).toEqual(times.map((_, value) => value));
        });
      }),
      { numRuns: 50 },
    );
  });

  it("passes the source's error on", () => {
    scheduler().run(({ hot, expectObservable }) => {
      const result = hot("a-#").pipe(
        batchWhileBusy({ limit: 1, onOverflow: overflowForbidden }, (batch) => of(...batch)),
      );
      expectObservable(result).toBe("a-#");
    });
  });
});
