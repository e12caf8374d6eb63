import { defer, EMPTY, of, throwError } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, it } from "vitest";
import type { Clock } from "../../../src/clock.ts";
import { retryForever } from "../../../src/rx/retryForever.ts";

const inVirtualTime = (work: (clock: Clock, helpers: Parameters<Parameters<TestScheduler["run"]>[0]>[0]) => void) => {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.run((helpers) => work({ now: () => scheduler.now(), scheduler }, helpers));
};

describe("retryForever", () => {
  it("doubles its pause up to the longest one, and never gives up", () => {
    const pauses: number[] = [];
    let tries = 0;
    inVirtualTime((clock, { expectObservable, flush }) => {
      const flaky = defer(() => (++tries < 9 ? throwError(() => new Error("down")) : of("up")));
      const onRetry = (_: unknown, inMs: number) => pauses.push(inMs);
      expectObservable(flaky.pipe(retryForever({ clock, firstMs: 1, maxMs: 16, onRetry }))).toBe("79ms (u|)", {
        u: "up",
      });
      flush();
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, 16, 16, 16]);
  });

  it("begins with the short pause again after a success", () => {
    const pauses: number[] = [];
    inVirtualTime((clock, { cold, expectObservable, flush }) => {
      const answers = [cold("#"), cold("#"), cold("a#"), cold("(b|)")];
      const source = defer(() => answers.shift() ?? EMPTY);
      const onRetry = (_: unknown, inMs: number) => pauses.push(inMs);
      expectObservable(source.pipe(retryForever({ clock, firstMs: 2, maxMs: 50, onRetry }))).toBe("6ms a--(b|)");
      flush();
    });
    expect(pauses).toEqual([2, 4, 2]);
  });
});
