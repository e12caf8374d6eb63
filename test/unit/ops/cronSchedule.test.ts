import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cron$ } from "../../../src/ops/cronSchedule.ts";
import { validateCron } from "../../../src/ops/validateCron.ts";

describe("cron$", () => {
  beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2030, 0, 1, 23, 58, 30) }));
  afterEach(() => void vi.useRealTimers());

  const collect = (expression: string) => {
    const ticks: string[] = [];
    const subscription = cron$(expression).subscribe((date) => ticks.push(date.toISOString()));
    return { ticks, subscription };
  };

  it("ticks at the expression's times, in UTC", async () => {
    const { ticks, subscription } = collect("*/5 * * * *");
    await vi.advanceTimersByTimeAsync(12 * 60_000);
    subscription.unsubscribe();
    expect(ticks).toEqual(["2030-01-02T00:00:00.000Z", "2030-01-02T00:05:00.000Z", "2030-01-02T00:10:00.000Z"]);
  });

  it("does nothing before it is subscribed to, and leaves no timer after", async () => {
    const ticks$ = cron$("* * * * *");
    expect(vi.getTimerCount()).toBe(0);
    const { ticks, subscription } = collect("* * * * *");
    await vi.advanceTimersByTimeAsync(60_000);
    subscription.unsubscribe();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(ticks).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
    expect(ticks$).toBeDefined();
  });

  it("gives a tick late rather than not at all when the process was busy", async () => {
    const { ticks, subscription } = collect("0 * * * *");
    await vi.advanceTimersByTimeAsync(1_000);
    vi.setSystemTime(Date.UTC(2030, 0, 2, 0, 20));
    await vi.advanceTimersByTimeAsync(25 * 60 * 60_000);
    subscription.unsubscribe();
    expect(ticks[0]).toBe("2030-01-02T00:00:00.000Z");
  });

  it("gives one tick for all that a clock that goes forward passes over, at once, and goes on by it", async () => {
    const { ticks, subscription } = collect("*/5 * * * *");
    await vi.advanceTimersByTimeAsync(1_000);
    vi.setSystemTime(Date.UTC(2031, 0, 1, 0, 0, 30));
    await vi.advanceTimersByTimeAsync(4 * 60_000);
    expect(ticks).toEqual(["2030-01-02T00:00:00.000Z"]);
    await vi.advanceTimersByTimeAsync(5 * 60_000);
    subscription.unsubscribe();
    expect(ticks).toEqual(["2030-01-02T00:00:00.000Z", "2031-01-01T00:05:00.000Z"]);
  });

  it.each([
    ["before its first tick", 0],
    ["after a tick", 2 * 60_000],
  ])("goes by a clock that was ahead and is set back, %s", async (_, after) => {
    const { ticks, subscription } = collect("*/5 * * * *");
    await vi.advanceTimersByTimeAsync(after);
    ticks.length = 0;
    vi.setSystemTime(Date.UTC(2026, 0, 1, 0, 0, 30));
    await vi.advanceTimersByTimeAsync(12 * 60_000);
    subscription.unsubscribe();
    expect(ticks).toEqual(["2026-01-01T00:05:00.000Z", "2026-01-01T00:10:00.000Z"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("goes by a clock that was ahead for seconds alone, in which it ticked", async () => {
    const { ticks, subscription } = collect("*/10 * * * * *");
    await vi.advanceTimersByTimeAsync(5_000);
    vi.setSystemTime(Date.UTC(2030, 0, 2, 1));
    await vi.advanceTimersByTimeAsync(12_000);
    expect(ticks.at(-1)).toBe("2030-01-02T01:00:10.000Z");
    vi.setSystemTime(Date.UTC(2030, 0, 1, 23, 58, 45));
    await vi.advanceTimersByTimeAsync(70_000);
    subscription.unsubscribe();
    expect(ticks.at(-1)).toBe("2030-01-01T23:59:50.000Z");
  });

  it("gives no tick twice where a clock is set right by seconds", async () => {
    const { ticks, subscription } = collect("* * * * *");
    for (let times = 0; times < 60; times++) {
      await vi.advanceTimersByTimeAsync(30_000);
      vi.setSystemTime(Date.now() - 5_000);
    }
    subscription.unsubscribe();
    expect(ticks.length).toBeGreaterThan(20);
    expect(new Set(ticks).size).toBe(ticks.length);
  });
});

describe("validateCron", () => {
  it.each(["*/5 * * * *", "0 3 * * 1-5", "*/30 * * * * *"])("accepts %s", (expression) => {
    expect(validateCron(expression)).toBeUndefined();
  });

  it.each(["", "hello", "61 * * * *", "* * *", "* * * * * * *"])("says what is wrong with %j", (expression) => {
    expect(validateCron(expression)).toEqual(expect.stringMatching(/./));
  });
});
