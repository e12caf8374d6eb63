import { Subject, VirtualTimeScheduler } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, it } from "vitest";
import { type Wake, wakeByKey } from "../../../src/rx/wakeByKey.ts";

const days = 24 * 60 * 60 * 1000;
const inVirtualTime = (
  work: (scheduler: TestScheduler, helpers: Parameters<Parameters<TestScheduler["run"]>[0]>[0]) => void,
) => {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.run((helpers) => work(scheduler, helpers));
};

describe("wakeByKey", () => {
  it("emits each key after its pause, and only the newest word of a key", () => {
    inVirtualTime((scheduler, { hot, expectObservable }) => {
      const wakes = { a: { key: "a", inMs: 5 }, b: { key: "b", inMs: 2 }, c: { key: "a", inMs: 1 } };
      expectObservable(hot("(ab)c-------a------", wakes).pipe(wakeByKey(scheduler))).toBe("--b--a-----------a-");
    });
  });

  it("keeps one timer a key, however often it is asked for", () => {
    inVirtualTime((scheduler) => {
      const source = new Subject<Wake<string>>();
      const woken: string[] = [];
      source.pipe(wakeByKey(scheduler)).subscribe((key) => woken.push(key));
      for (let count = 0; count < 1000; count++) source.next({ key: "task", inMs: 10 });
      scheduler.flush();
      expect(woken).toEqual(["task"]);
    });
  });

  it("wakes early rather than at once when the pause is longer than a timer can hold", () => {
    inVirtualTime((scheduler, { hot, expectObservable }) => {
      const result = hot("a", { a: { key: "a", inMs: 400 * days } }).pipe(wakeByKey(scheduler));
      expectObservable(result, `^ ${days + 5}ms !`).toBe(`${days}ms a`);
    });
  });

  it("drops what was to come when its source completes or nobody listens", () => {
    inVirtualTime((scheduler, { hot, expectObservable }) => {
      const wakes = { a: { key: "a", inMs: 5 } };
      expectObservable(hot("a-|", wakes).pipe(wakeByKey(scheduler))).toBe("--|");
      expectObservable(hot("a", wakes).pipe(wakeByKey(scheduler)), "---!").toBe("---");
      expectObservable(hot("a-#", wakes).pipe(wakeByKey(scheduler))).toBe("--#");
    });
  });

  it("leaves no timer behind that would keep a process from its end", () => {
    const scheduler = new VirtualTimeScheduler();
    const source = new Subject<Wake<string>>();
    const listening = source.pipe(wakeByKey(scheduler)).subscribe();
    const kept = () => scheduler.actions.length;
    for (const key of ["a", "b", "a"]) source.next({ key, inMs: 10 });
    expect(kept()).toBe(2);
    listening.unsubscribe();
    expect(kept()).toBe(0);
  });
});
