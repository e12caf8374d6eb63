import { TestScheduler } from "rxjs/testing";
import { describe, expect, it } from "vitest";
import { onceMoreAfter } from "../../../src/rx/onceMoreAfter.ts";

/** What comes out, by marbles of a millisecond, where each value is given once more after five. */
const expectOf = (source: string, result: string) => {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.run(({ hot, expectObservable }) => {
    expectObservable(hot(source).pipe(onceMoreAfter(5, scheduler))).toBe(result);
  });
};

describe("onceMoreAfter", () => {
  it("gives each value at once, and once more where no other comes", () => {
    expectOf("a---------b--------", "a----a----b----b---");
  });

  it("gives no value once more that another one has followed", () => {
    expectOf("a--b----------", "a--b----b-----");
  });

  it("ends with its source, and waits for nothing then", () => {
    expectOf("a--|", "a--|");
    expectOf("a--#", "a--#");
  });
});
