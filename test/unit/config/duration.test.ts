import fc from "fast-check";
import { expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../../src/config/duration.ts";

it.each([
  ["500ms", 500],
  ["10s", 10_000],
  ["1.5 s", 1_500],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["1d", 86_400_000],
  ["1.1h", 3_960_000],
  ["2.3h", 8_280_000],
  ["0.7d", 60_480_000],
  ["1.0000ms", 1],
])("reads %s", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

it.each(["10", "10 seconds", "-1s", "", "s", "0.5ms", "0.0001s", "1.0000001h", "1e3s", "99999999999999999d"])(
  "refuses %j",
  (text) => {
    expect(() => parseDuration(text)).toThrow(TypeError);
  },
);

it("shows what it reads", () => {
  fc.assert(fc.property(fc.nat(), (milliseconds) => parseDuration(formatDuration(milliseconds)) === milliseconds));
  expect(formatDuration(90_000)).toBe("90s");
});

it("reads every duration of whole milliseconds, with however many decimals it is written", () => {
  const hourMs = 3_600_000;
  fc.assert(
    fc.property(fc.nat(9_999), fc.nat(99), (whole, hundredths) => {
      const text = `${whole}.${String(hundredths).padStart(2, "0")}h`;
      expect(parseDuration(text)).toBe(whole * hourMs + (hundredths * hourMs) / 100);
    }),
  );
});
