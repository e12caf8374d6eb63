import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFlat, trendOf } from "../../../bench/soak/trend.ts";

const line = (perHour: number, noise: (at: number) => number) =>
  Array.from({ length: 200 }, (_, at) => ({ seconds: at * 5, value: 100 + (perHour * at * 5) / 3_600 + noise(at) }));

describe("trendOf", () => {
  it("finds the slope of any straight line, without doubt", () => {
    fc.assert(
      fc.property(fc.integer({ min: -500, max: 500 }), (perHour) => {
        const trend = trendOf(line(perHour, () => 0));
        expect(trend.perHour).toBeCloseTo(perHour, 4);
        expect(trend.uncertainty).toBeLessThan(1e-3);
      }),
    );
  });

  it("finds it under noise, within what it says of its own doubt", () => {
    const trend = trendOf(line(40, (at) => 3 * Math.sin(at * 7.3)));
    expect(Math.abs(trend.perHour - 40)).toBeLessThan(trend.uncertainty);
    expect(trend.uncertainty).toBeLessThan(10);
  });

  it("refuses to see a trend in two points", () => {
    expect(() =>
      trendOf([
        { seconds: 0, value: 1 },
        { seconds: 5, value: 2 },
      ]),
    ).toThrow(RangeError);
  });
});

describe("isFlat", () => {
  it.each([
    [0, 2, "flat"],
    [-80, 5, "flat"],
    [40, 5, "grows"],
    [8, 1, "flat"],
    [12, 30, "unknown"],
  ] as const)("calls %d ± %d an hour %s", (perHour, uncertainty, verdict) => {
    expect(isFlat({ perHour, uncertainty, mean: 0, min: 0, max: 0 }, 10)).toBe(verdict);
  });
});
