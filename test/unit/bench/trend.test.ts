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
        expect(trend.atMost - trend.atLeast).toBeLessThan(1e-3);
      }),
    );
  });

  it("finds it under noise, within what it says of its own doubt", () => {
    const trend = trendOf(line(40, (at) => 3 * Math.sin(at * 7.3)));
    expect(trend.atLeast).toBeLessThan(40);
    expect(trend.atMost).toBeGreaterThan(40);
    expect(trend.atMost - trend.atLeast).toBeLessThan(20);
  });

  it("is not moved by bursts that come and go, and still sees what creeps below them", () => {
    const burst = (at: number) => (at % 9 === 4 ? 80 : 0);
    expect(trendOf(line(0, burst))).toMatchObject({ perHour: 0, atLeast: 0, atMost: 0 });
    expect(trendOf(line(40, burst)).atLeast).toBeGreaterThan(30);
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
    [-2, 2, "flat"],
    [-85, -75, "flat"],
    [35, 45, "grows"],
    [7, 9, "flat"],
    [-18, 42, "unknown"],
  ] as const)("calls what lies between %d and %d an hour %s", (atLeast, atMost, verdict) => {
    expect(isFlat({ perHour: 0, atLeast, atMost, mean: 0, min: 0, max: 0 }, 10)).toBe(verdict);
  });
});
