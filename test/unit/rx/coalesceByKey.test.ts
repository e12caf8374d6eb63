import fc from "fast-check";
import { concat, EMPTY, NEVER, of, Subject, tap, timer } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, it } from "vitest";
import { coalesceByKey } from "../../../src/rx/coalesceByKey.ts";

const scheduler = () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));

describe("coalesceByKey", () => {
  it("works on a key once more when it came meanwhile, and completes after the last", () => {
    scheduler().run(({ cold, expectObservable }) => {
      const source = cold("(aaa)--a------|");
      const result = source.pipe(coalesceByKey(4, (key) => cold("---(x|)", { x: key })));
      expectObservable(result).toBe("---a--a---a---|");
    });
  });

  it("lets other keys pass, but no more at once than it may", () => {
    scheduler().run(({ cold, expectObservable }) => {
      const source = cold("(abc|)");
      const result = source.pipe(coalesceByKey(2, (key) => cold("-----(x|)", { x: key })));
      expectObservable(result).toBe("-----(ab)-(c|)");
    });
  });

  it("never works on one key twice at once nor on too many keys, and sees the last word of each", () => {
    const events = fc.array(fc.record({ key: fc.integer({ min: 0, max: 4 }), at: fc.nat(50) }), { maxLength: 60 });
    fc.assert(
      fc.property(
        events,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 9 }),
        (words, concurrency, length) => {
          const virtual = scheduler();
          virtual.run(() => {
            const version = new Map<number, number>();
            const seen = new Map<number, number>();
            const running = new Map<number, number>();
            let completed = false;
            const source = new Subject<number>();
            source
              .pipe(
                coalesceByKey(concurrency, (key) => {
                  running.set(key, (running.get(key) ?? 0) + 1);
                  expect(running.get(key)).toBe(1);
                  expect([...running.values()].reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(concurrency);
                  seen.set(key, version.get(key) ?? 0);
                  return timer(length).pipe(tap(() => running.delete(key)));
                }),
              )
              .subscribe({
                complete: () => {
                  completed = true;
                },
              });
            for (const { key, at } of [...words].sort((a, b) => a.at - b.at)) {
              timer(at).subscribe(() => {
                version.set(key, (version.get(key) ?? 0) + 1);
                source.next(key);
              });
            }
            timer(51).subscribe(() => source.complete());
            virtual.flush();
            expect(completed).toBe(true);
            expect(seen).toEqual(version);
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  it("takes work that is done at once", () => {
    const results: number[] = [];
    let completed = false;
    of(1, 2, 1, 3)
      .pipe(coalesceByKey(1, (key) => (key === 2 ? EMPTY : of(key))))
      .subscribe({
        next: (key) => results.push(key),
        complete: () => {
          completed = true;
        },
      });
    expect([results, completed]).toEqual([[1, 1, 3], true]);
  });

  it("ends with an error of its source, or of work that should have none", () => {
    scheduler().run(({ cold, expectObservable }) => {
      expectObservable(cold("a-#").pipe(coalesceByKey(1, () => NEVER))).toBe("--#");
      expectObservable(cold("a--").pipe(coalesceByKey(1, () => cold("-#")))).toBe("-#");
    });
  });

  it("ends the work with its subscriber", () => {
    scheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const work = cold("----------x|");
      expectObservable(concat(of("a"), NEVER).pipe(coalesceByKey(1, () => work)), "---!").toBe("----");
      expectSubscriptions(work.subscriptions).toBe("^--!");
    });
  });
});
