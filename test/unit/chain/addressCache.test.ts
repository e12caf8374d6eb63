import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAddressCache } from "../../../src/chain/addressCache.ts";

const words = (number: number) => Uint32Array.of(0, number % 3, Math.imul(number, 0x9e3779b1), 7, number);

describe("the address cache", () => {
  it("answers what was last said of an address, or nothing: never what was said of another", () => {
    const step = fc.record({ key: fc.nat({ max: 40 }), value: fc.nat({ max: 3 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const cache = createAddressCache(16);
        const model = new Map<number, number>();
        for (const { key, value } of steps) {
          if (value === 0) cache.delete(words(key), 0);
          else cache.set(words(key), 0, value);
          model.set(key, value);
          expect(cache.get(words(key), 0)).toBe(value);
          for (const [known, expected] of model) expect([0, expected]).toContain(cache.get(words(known), 0));
        }
      }),
    );
  });

  it("compares all five words, wherever they stand", () => {
    const cache = createAddressCache(4);
    const address = [1, 2, 3, 4, 0xffffffff];
    cache.set(Uint32Array.of(9, 9, ...address), 2, 7);
    expect(cache.get(Uint32Array.from(address), 0)).toBe(7);
    for (let at = 0; at < 5; at++) expect(cache.get(Uint32Array.from(address.with(at, 5)), 0)).toBe(0);
  });

  it("keeps the newest ones when more come than fit, and nearly all of them while they fit", () => {
    const cache = createAddressCache(1 << 12);
    for (let key = 0; key < 1_000; key++) cache.set(words(key), 0, key + 1);
    const kept = Array.from({ length: 1_000 }, (_, key) => cache.get(words(key), 0)).filter((one) => one > 0);
    expect(kept.length).toBeGreaterThan(980);
    for (let key = 0; key < 100_000; key++) cache.set(words(key), 0, key + 1);
    expect(cache.get(words(99_999), 0)).toBe(100_000);
    expect(cache.get(words(1), 0)).toBe(0);
    cache.clear();
    expect(cache.get(words(99_999), 0)).toBe(0);
  });

  it("takes memory as addresses come, and keeps nearly all of them when it takes more", () => {
    const before = process.memoryUsage().arrayBuffers;
    const cache = createAddressCache(1 << 20);
    const taken = () => process.memoryUsage().arrayBuffers - before;
    expect(taken()).toBeLessThan(4 << 20);
    for (let key = 0; key < 40_000; key++) cache.set(words(key), 0, key + 1);
    const kept = Array.from({ length: 40_000 }, (_, key) => cache.get(words(key), 0)).filter(
      (value, key) => value === key + 1,
    );
    expect(kept.length).toBeGreaterThan(39_600);
    expect(taken()).toBeLessThan(10 << 20);
  });

  it("wants a power of two", () => {
    expect(() => createAddressCache(100)).toThrow(TypeError);
    expect(() => createAddressCache(0)).toThrow(TypeError);
  });
});
