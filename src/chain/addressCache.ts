/**
 * Remembers a number for each of the newest addresses, in a fixed block of memory: a processor's cache in small. An
 * address is looked for in one set of four places; a new one takes the place of the set's oldest. Addresses are compared
 * whole, so that two are never taken for one.
 *
 * An address is given as the five words of 32 bits that begin at an index of `words`: a look-up allocates nothing.
 */
export type AddressCache = {
  /** 0 where the address is not known. */
  readonly get: (words: Uint32Array, at: number) => number;
  /** @param value 1 to 2^32 - 1. */
  readonly set: (words: Uint32Array, at: number, value: number) => void;
  readonly delete: (words: Uint32Array, at: number) => void;
  readonly clear: () => void;
};

const ways = 4;
const wordsPerAddress = 5;

/** @param capacity Addresses; a power of two, 24 bytes each. */
export function createAddressCache(capacity: number): AddressCache {
  const sets = capacity / ways;
  if (!Number.isInteger(Math.log2(sets))) throw new TypeError(`not a power of two of at least ${ways}: ${capacity}`);
  const keys = new Uint32Array(capacity * wordsPerAddress);
  const values = new Uint32Array(capacity);
  const oldest = new Uint8Array(sets);

  const firstPlaceOf = (words: Uint32Array, at: number): number => {
    let mixed = 0;
    for (let word = at; word < at + wordsPerAddress; word++) mixed = Math.imul(mixed ^ (words[word] ?? 0), 0x9e3779b1);
    return ((mixed ^ (mixed >>> 15)) & (sets - 1)) * ways;
  };

  const isAt = (place: number, words: Uint32Array, at: number): boolean => {
    const key = place * wordsPerAddress;
    for (let word = 0; word < wordsPerAddress; word++) if (keys[key + word] !== words[at + word]) return false;
    return true;
  };

  /** The address's place, or -1. */
  const find = (words: Uint32Array, at: number): number => {
    const first = firstPlaceOf(words, at);
    for (let place = first; place < first + ways; place++) {
      if (values[place] !== 0 && isAt(place, words, at)) return place;
    }
    return -1;
  };

  const makeRoom = (words: Uint32Array, at: number): number => {
    const first = firstPlaceOf(words, at);
    for (let place = first; place < first + ways; place++) if (values[place] === 0) return place;
    const set = first / ways;
    const victim = oldest[set] ?? 0;
    oldest[set] = (victim + 1) % ways;
    return first + victim;
  };

  return {
    get: (words, at) => {
      const place = find(words, at);
      return place < 0 ? 0 : (values[place] ?? 0);
    },
    set: (words, at, value) => {
      const known = find(words, at);
      const place = known < 0 ? makeRoom(words, at) : known;
      for (let word = 0; word < wordsPerAddress; word++) keys[place * wordsPerAddress + word] = words[at + word] ?? 0;
      values[place] = value;
    },
    delete: (words, at) => {
      const place = find(words, at);
      if (place >= 0) values[place] = 0;
    },
    clear: () => void values.fill(0),
  };
}
