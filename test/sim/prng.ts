/** A stream of drawn numbers; the same seed and name draw the same stream for ever. */
export type Prng = {
  /** In `[0, 1)`. */
  readonly next: () => number;
  readonly chance: (probability: number) => boolean;
  /** A whole number in `[low, high]`. */
  readonly between: (low: number, high: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
};

/**
 * sfc32, seeded by a hash of the seed and the stream's name. Streams of one seed are independent, so that a fault that
 * is switched off does not change what the actors do.
 */
export function createPrng(seed: number, name: string): Prng {
  let [a, b, c, counter] = [hash(seed, `${name}/a`), hash(seed, `${name}/b`), hash(seed, `${name}/c`), 1];
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    chance: (probability) => next() < probability,
    between,
    pick: <T>(items: readonly T[]) => items[between(0, items.length - 1)] as T,
  };
}

/** FNV-1a with a final mix. */
function hash(seed: number, text: string): number {
  let value = 2166136261 ^ seed;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16777619);
  value = Math.imul(value ^ (value >>> 16), 2246822507);
  value = Math.imul(value ^ (value >>> 13), 3266489909);
  return (value ^ (value >>> 16)) | 0;
}
