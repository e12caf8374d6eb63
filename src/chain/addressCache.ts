/**
 * Remembers a number for each of the newest addresses, in a fixed block of memory: a processor's cache in small. An
 * address is looked for in one set of four places; a new one takes the place of the set's oldest. Addresses are compared
 * whole, so that two are never taken for one.
 *
 * Addresses are read from where they stand in a text, as 40 hex digits at an offset, so that a look-up allocates nothing.
 */
export type AddressCache = {
  /** 0 where the address is not known. */
  readonly get: (text: string, at: number) => number;
  /** @param value 1 to 2^32 - 1. */
  readonly set: (text: string, at: number, value: number) => void;
  readonly delete: (text: string, at: number) => void;
  readonly clear: () => void;
};

const ways = 4;
const wordsPerAddress = 5;
const digitsPerWord = 8;

/** @param capacity Addresses; a power of two, 24 bytes each. */
export function createAddressCache(capacity: number): AddressCache {
  const sets = capacity / ways;
  if (!Number.isInteger(Math.log2(sets))) throw new TypeError(`not a power of two of at least ${ways}: ${capacity}`);
  const keys = new Uint32Array(capacity * wordsPerAddress);
  const values = new Uint32Array(capacity);
  const oldest = new Uint8Array(sets);
  const sought = new Uint32Array(wordsPerAddress);

  /** Reads the address into `sought`; answers the first place of its set, or -1 if that is no address. */
  const seek = (text: string, at: number): number => {
    let digits = 0;
    let mixed = 0;
    let from = at;
    for (let word = 0; word < wordsPerAddress; word++) {
      let value = 0;
      for (const end = from + digitsPerWord; from < end; from++) {
        const code = text.charCodeAt(from);
        const letter = (code | 32) - 97;
        const digit = code < 58 ? code - 48 : letter < 0 ? letter : letter + 10;
        digits |= digit;
        value = (value << 4) | digit;
      }
      sought[word] = value;
      mixed = Math.imul(mixed ^ value, 0x9e3779b1);
    }
    const isHex = (digits & ~15) === 0;
    return isHex ? ((mixed ^ (mixed >>> 15)) & (sets - 1)) * ways : -1;
  };

  const isSoughtAt = (place: number): boolean => {
    const key = place * wordsPerAddress;
    return (
      keys[key] === sought[0] &&
      keys[key + 1] === sought[1] &&
      keys[key + 2] === sought[2] &&
      keys[key + 3] === sought[3] &&
      keys[key + 4] === sought[4]
    );
  };

  const find = (first: number): number => {
    for (let place = first; place < first + ways; place++) {
      if (values[place] !== 0 && isSoughtAt(place)) return place;
    }
    return -1;
  };

  const free = (first: number): number => {
    for (let place = first; place < first + ways; place++) if (values[place] === 0) return place;
    const set = first / ways;
    const victim = oldest[set] ?? 0;
    oldest[set] = (victim + 1) % ways;
    return first + victim;
  };

  return {
    get: (text, at) => {
      const first = seek(text, at);
      const place = first < 0 ? -1 : find(first);
      return place < 0 ? 0 : (values[place] ?? 0);
    },
    set: (text, at, value) => {
      const first = seek(text, at);
      if (first < 0) return;
      const known = find(first);
      const place = known < 0 ? free(first) : known;
      keys.set(sought, place * wordsPerAddress);
      values[place] = value;
    },
    delete: (text, at) => {
      const first = seek(text, at);
      const place = first < 0 ? -1 : find(first);
      if (place >= 0) values[place] = 0;
    },
    clear: () => void values.fill(0),
  };
}
