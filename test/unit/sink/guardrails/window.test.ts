import fc from "fast-check";
import { expect, it } from "vitest";
import { createWindow } from "../../../../src/sink/guardrails/window.ts";

const length = 100;
const deeds = fc.array(
  fc.record({
    key: fc.constantFrom("a", "b", "c", "d", "e"),
    amount: fc.bigInt(0n, 50n),
    wait: fc.integer({ min: 0, max: 40 }),
    removes: fc.boolean(),
  }),
  { maxLength: 40 },
);

it("sums what came in its last while, and says when enough of it will have left", () => {
  fc.assert(
    fc.property(deeds, fc.bigInt(0n, 120n), (all, wanted) => {
      const window = createWindow(length);
      const entries = new Map<string, { at: number; amount: bigint }>();
      let now = 0;
      for (const { key, amount, wait, removes } of all) {
        now += wait;
        if (removes) window.remove(key);
        else window.set(key, now, amount);
        if (removes) entries.delete(key);
        else entries.set(key, { at: now, amount });
        const sumAt = (time: number) =>
          [...entries.values()].filter(({ at }) => at > time - length).reduce((sum, entry) => sum + entry.amount, 0n);
        expect(window.sum(now)).toBe(sumAt(now));
        const freeAt = window.freeAt(wanted, now);
        if (freeAt === undefined) expect(sumAt(now)).toBeLessThan(wanted);
        else {
          expect(sumAt(now) - sumAt(freeAt)).toBeGreaterThanOrEqual(wanted);
          if (freeAt > now) expect(sumAt(now) - sumAt(freeAt - 1)).toBeLessThan(wanted);
        }
      }
    }),
  );
});
