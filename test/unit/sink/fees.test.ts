import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Fees } from "../../../src/chain/chainPort.ts";
import { feeCap, feesInPlaceOf, raisedFees, replacementFees } from "../../../src/sink/fees.ts";

const amount = fc.bigInt({ min: 0n, max: 10n ** 13n });
const dynamic = fc
  .record({ maxFeePerGas: amount, maxPriorityFeePerGas: amount })
  .map((fees): Fees => ({ type: "eip1559", ...fees }));
const legacy = amount.map((gasPrice): Fees => ({ type: "legacy", gasPrice }));
const fees = fc.oneof(dynamic, legacy);
const fieldsOf = (each: Fees): readonly bigint[] =>
  each.type === "legacy" ? [each.gasPrice] : [each.maxFeePerGas, each.maxPriorityFeePerGas];

describe("a replacement", () => {
  it("offers at least 12.5 % more in every field and no less than the chain asks, of the same type, or is not made", () => {
    fc.assert(
      fc.property(fees, fees, amount, (before, now, ceiling) => {
        const after = replacementFees(before, now, ceiling);
        const least = (fieldsOf(before)[0] ?? 0n) * 1125n;
        if (after === undefined) {
          expect((least + 999n) / 1000n > ceiling || feeCap(now) > ceiling).toBe(true);
          return;
        }
        expect(after.type).toBe(before.type);
        expect(feeCap(after)).toBeLessThanOrEqual(ceiling);
        expect(feeCap(after)).toBeGreaterThanOrEqual(feeCap(now));
        const [, tip = 0n] = fieldsOf(after);
        if (after.type === now.type) expect(tip).toBeGreaterThanOrEqual(fieldsOf(now)[1] ?? 0n);
        for (const [index, field] of fieldsOf(before).entries()) {
          expect((fieldsOf(after)[index] ?? 0n) * 1000n).toBeGreaterThanOrEqual(field * 1125n);
        }
      }),
    );
  });

  it.each([
    [8n, 9n],
    [1n, 2n],
    [1000n, 1125n],
    [1001n, 1127n],
  ])("rounds %d up to %d", (before, after) => {
    const free: Fees = { type: "legacy", gasPrice: 0n };
    expect(replacementFees({ type: "legacy", gasPrice: before }, free, after)).toEqual({
      type: "legacy",
      gasPrice: after,
    });
    expect(replacementFees({ type: "legacy", gasPrice: before }, free, after - 1n)).toBeUndefined();
  });
});

describe("what waits to be mined", () => {
  it("is raised by 12.5 % at least, and to what the chain asks as far as the ceiling allows, wherever the bump fits", () => {
    fc.assert(
      fc.property(fees, fees, amount, (before, now, ceiling) => {
        const after = raisedFees(before, now, ceiling);
        const [cap = 0n, tip = 0n] = fieldsOf(before);
        fc.pre(tip <= cap);
        if (after === undefined) {
          expect((cap * 1125n + 999n) / 1000n).toBeGreaterThan(ceiling);
          return;
        }
        const asked = feeCap(now) < ceiling ? feeCap(now) : ceiling;
        expect(feeCap(after)).toBeLessThanOrEqual(ceiling);
        expect(feeCap(after)).toBeGreaterThanOrEqual(asked);
        for (const [index, field] of fieldsOf(before).entries()) {
          expect((fieldsOf(after)[index] ?? 0n) * 1000n).toBeGreaterThanOrEqual(field * 1125n);
        }
      }),
    );
  });

  it("tips no more than it offers, which nodes refuse for good, where the chain asks for a tip above the ceiling", () => {
    const before: Fees = { type: "eip1559", maxFeePerGas: 10n, maxPriorityFeePerGas: 2n };
    const now: Fees = { type: "eip1559", maxFeePerGas: 90n, maxPriorityFeePerGas: 60n };
    const most: Fees = { type: "eip1559", maxFeePerGas: 50n, maxPriorityFeePerGas: 50n };
    expect(raisedFees(before, now, 50n)).toEqual(most);
  });
});

describe("what takes the place of bytes at once", () => {
  it("is dearer by 12.5 % where the ceiling allows that, else offers the same, and never more than the ceiling", () => {
    fc.assert(
      fc.property(fees, fees, amount, (before, now, ceiling) => {
        const after = feesInPlaceOf(before, now, ceiling);
        if (after === undefined) {
          expect(feeCap(before)).toBeGreaterThan(ceiling);
          return;
        }
        expect(feeCap(after)).toBeLessThanOrEqual(ceiling);
        if (feeCap(before) * 1125n > ceiling * 1000n) {
          expect(after).toEqual(before);
          return;
        }
        for (const [index, field] of fieldsOf(before).entries()) {
          expect((fieldsOf(after)[index] ?? 0n) * 1000n).toBeGreaterThanOrEqual(field * 1125n);
        }
      }),
    );
  });
});
