import fc from "fast-check";
import { expect, it } from "vitest";
import { createWindow } from "../../../../src/sink/guardrails/window.ts";

const [length, bucket] = [100, 10];
const deeds = fc.array(
  fc.record({
    amount: fc.bigInt(0n, 50n),
    wait: fc.integer({ min: 0, max: 40 }),
    takesBack: fc.option(fc.nat(30)),
  }),
  { maxLength: 40 },
);

it("never sums less than what came in its last while, nor what came earlier than that by a bucket's width", () => {
  fc.assert(
    fc.property(deeds, fc.bigInt(1n, 120n), (all, wanted) => {
      const window = createWindow(length, bucket);
      const entries: { at: number; amount: bigint }[] = [];
      let now = 0;
      for (const { amount, wait, takesBack } of all) {
        now += wait;
        const taken = takesBack === null ? undefined : entries[takesBack];
        if (taken === undefined) {
          window.add(now, amount);
          entries.push({ at: now, amount });
        } else {
          window.change(taken.at, -taken.amount);
          taken.amount = 0n;
        }
        const since = (time: number) =>
          entries.filter(({ at }) => at > time).reduce((sum, entry) => sum + entry.amount, 0n);
        const sum = window.sum(now);
        expect(sum).toBeGreaterThanOrEqual(since(now - length));
        expect(sum).toBeLessThanOrEqual(since(now - length - bucket));
        const freeAt = window.freeAt(wanted, now);
        if (freeAt === undefined) expect(sum).toBeLessThan(wanted);
        else expect(sum - since(freeAt - length)).toBeGreaterThanOrEqual(wanted);
      }
    }),
  );
});

it("sums the same in whatever order they come, also beside one that is still to come", () => {
  const times = fc.array(fc.record({ at: fc.integer({ min: 0, max: 600 }), amount: fc.bigInt(1n, 50n) }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 800 }), (all, now) => {
      const window = createWindow(length, bucket);
      for (const { at, amount } of all) window.add(at, amount);
      const since = (time: number) => all.filter(({ at }) => at > time).reduce((sum, { amount }) => sum + amount, 0n);
      expect(window.sum(now)).toBeGreaterThanOrEqual(since(now - length));
      expect(window.sum(now)).toBeLessThanOrEqual(since(now - length - bucket));
    }),
  );
});

it("has room at the moment that it names, and none before", () => {
  fc.assert(
    fc.property(deeds, fc.bigInt(1n, 120n), (all, wanted) => {
      const fill = () => {
        const window = createWindow(length, bucket);
        let now = 0;
        for (const { amount, wait } of all) {
          now += wait;
          window.add(now, amount);
        }
        return { window, now };
      };
      const { window, now } = fill();
      const sum = window.sum(now);
      const freeAt = window.freeAt(wanted, now);
      fc.pre(freeAt !== undefined && freeAt > now);
      expect(fill().window.sum(Number(freeAt) - 1)).toBeGreaterThan(sum - wanted);
      expect(window.sum(Number(freeAt))).toBeLessThanOrEqual(sum - wanted);
    }),
  );
});
