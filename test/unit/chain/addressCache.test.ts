import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAddressCache } from "../../../src/chain/addressCache.ts";

const addressOf = (number: number) => number.toString(16).padStart(40, "0");

describe("the address cache", () => {
  it("answers what was last said of an address, or nothing: never what was said of another", () => {
    const step = fc.record({ key: fc.nat({ max: 40 }), value: fc.nat({ max: 3 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const cache = createAddressCache(16);
        const model = new Map<number, number>();
        for (const { key, value } of steps) {
          if (value === 0) cache.delete(addressOf(key), 0);
          else cache.set(addressOf(key), 0, value);
          model.set(key, value);
          expect(cache.get(addressOf(key), 0)).toBe(value);
          for (const [known, expected] of model) expect([0, expected]).toContain(cache.get(addressOf(known), 0));
        }
      }),
    );
  });

  it("compares all forty digits, in any case, wherever they stand in the text", () => {
    const cache = createAddressCache(8);
    const address = "0123456789abcdefABCDEF0123456789abcdef01";
    cache.set(`xx${address}`, 2, 7);
    expect(cache.get(address.toUpperCase(), 0)).toBe(7);
    for (let at = 0; at < 40; at++) {
      const other = `${address.slice(0, at)}${address[at] === "9" ? "8" : "9"}${address.slice(at + 1)}`;
      expect(cache.get(other, 0)).toBe(0);
    }
  });

  it.each(["g", "@", "`", "/", ":", "G", " ", '"', "ä", "\u{1f600}"])(
    "knows nothing of what is no address: %j",
    (odd) => {
      const cache = createAddressCache(8);
      for (const at of [0, 17, 39]) {
        const text = `${"0".repeat(at)}${odd}${"0".repeat(40)}`;
        cache.set(text, 0, 1);
        expect(cache.get(text, 0)).toBe(0);
      }
      cache.set("00", 0, 1);
      expect(cache.get("00", 0)).toBe(0);
    },
  );

  it("keeps the newest ones when more come than fit, and all of them while they fit", () => {
    const cache = createAddressCache(1 << 12);
    for (let key = 0; key < 1_000; key++) cache.set(addressOf(key * 7919), 0, key + 1);
    const kept = Array.from({ length: 1_000 }, (_, key) => cache.get(addressOf(key * 7919), 0)).filter(
      (one) => one > 0,
    );
    expect(kept.length).toBeGreaterThan(980);
    for (let key = 0; key < 100_000; key++) cache.set(addressOf(key * 104_729), 0, key + 1);
    expect(cache.get(addressOf(99_999 * 104_729), 0)).toBe(100_000);
    expect(cache.get(addressOf(104_729), 0)).toBe(0);
    cache.clear();
    expect(cache.get(addressOf(99_999 * 104_729), 0)).toBe(0);
  });

  it("wants a power of two", () => {
    expect(() => createAddressCache(100)).toThrow(TypeError);
    expect(() => createAddressCache(0)).toThrow(TypeError);
  });
});
