import { expect, it } from "vitest";
import { readExpiry } from "../../../src/cli/readers.ts";

const now = 1_700_000_000;

it.each([
  ["1.1h", now + 3_960],
  ["0.7d", now + 60_480],
  ["1800000000", 1_800_000_000],
  ["2026-01-31T12:00:00Z", 1_769_860_800],
])("reads when something ends: %s", (text, seconds) => {
  expect(readExpiry(text, now)).toBe(seconds);
});

it.each(["soon", "0.0001s", "99999999999999999d"])(
  "refuses an end that is none as a wrong command line: %s",
  (text) => {
    expect(() => readExpiry(text, now)).toThrow(expect.objectContaining({ code: "USAGE", exitCode: 78 }));
  },
);
