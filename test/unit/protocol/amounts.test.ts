import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatOgpu, parseAmount } from "../../../src/protocol/amounts.ts";

describe("an amount", () => {
  it("is the same after it was shown and read again", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (amount) => {
        expect(parseAmount(formatOgpu(amount))).toBe(amount);
      }),
    );
  });

  it.each<[string, bigint]>([
    ["0.05 OGPU", 50_000_000_000_000_000n],
    ["1OGPU", 10n ** 18n],
    ["  2 ogpu ", 2n * 10n ** 18n],
    ["1.5 gwei", 1_500_000_000n],
    ["0.000000000000000001 OGPU", 1n],
    ["7 wei", 7n],
  ])("reads %s", (text, expected) => {
    expect(parseAmount(text)).toBe(expected);
  });

  it.each([
    "1",
    "",
    "OGPU",
    "-1 OGPU",
    "+1 OGPU",
    "1e18 wei",
    "1,5 OGPU",
    ".5 OGPU",
    "1. OGPU",
    "1 ether",
    "0x10 wei",
    "∞ OGPU",
  ])("refuses %j", (text) => {
    expect(() => parseAmount(text)).toThrow(/not an amount/);
  });

  it.each(["0.5 wei", "0.0000000001 gwei", "0.0000000000000000001 OGPU"])("refuses to round %s", (text) => {
    expect(() => parseAmount(text)).toThrow(/finer than one wei/);
  });
});
