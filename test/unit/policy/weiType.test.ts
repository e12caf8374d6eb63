import fc from "fast-check";
import { expect, test } from "vitest";
import { createEnvironment } from "../../../src/policy/factTypes.ts";
import { amountOf } from "../../../src/policy/weiType.ts";

const environment = createEnvironment();
const amount = fc.bigInt({ min: 0n, max: 10n ** 40n });

test("amounts compare as their integers do, at any size", () => {
  const compare = {
    "<": (a: bigint, b: bigint) => a < b,
    "<=": (a: bigint, b: bigint) => a <= b,
    ">": (a: bigint, b: bigint) => a > b,
    ">=": (a: bigint, b: bigint) => a >= b,
    "==": (a: bigint, b: bigint) => a === b,
    "!=": (a: bigint, b: bigint) => a !== b,
  };
  fc.assert(
    fc.property(amount, fc.oneof(amount, fc.constant(0n)), fc.boolean(), (a, difference, same) => {
      const b = same ? a : difference;
      for (const [operator, expected] of Object.entries(compare)) {
        expect(environment.evaluate(`wei("${a}") ${operator} wei("${b}")`)).toBe(expected(a, b));
      }
    }),
  );
});

test("sums, differences and percentages are exact, and percentages round down", () => {
  fc.assert(
    fc.property(amount, amount, fc.integer({ min: 0, max: 1_000 }), (a, b, share) => {
      const value = (expression: string) => amountOf(environment.evaluate(expression));
      expect(value(`wei("${a}") + wei("${b}")`)).toBe(a + b);
      expect(value(`wei("${a}") - wei("${b}")`)).toBe(a - b);
      const part = value(`(wei("${a}") - wei("${b}")).percent(${share})`) ?? 0n;
      const exact = (a - b) * BigInt(share);
      expect(part * 100n <= exact && exact < (part + 1n) * 100n).toBe(true);
    }),
  );
});

test("ogpu reads decimals without a float between", () => {
  const value = (text: string) => amountOf(environment.evaluate(`ogpu("${text}")`));
  expect(value("0.05")).toBe(5n * 10n ** 16n);
  expect(value("123456789.123456789123456789")).toBe(123456789123456789123456789n);
  for (const bad of ["", "-1", "1e3", "0.1234567890123456789", "1 OGPU", "0x1"]) expect(() => value(bad)).toThrow();
});
