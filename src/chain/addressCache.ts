/**
 * Remembers a number for each of the newest addresses, in bounded memory: a processor's cache in small. An address is looked
 * for in one set of four places; a new one takes the place of the set's oldest, once the cache has grown to its capacity.
 * Addresses are compared whole, so that two are never taken for one.
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

/** Places to begin with, 3 MiB, which serve 32,000 addresses: a busy hour. A table of twice the size comes as one step of memory. */
const initial = 1 << 17;
/** A table that is fuller than this grows as soon as an address would take another one's place. */
const fullness = 1 / 4;

/** @param capacity Addresses; a power of two, 24 bytes each. */
export function createAddressCache(capacity: number): AddressCache {
  if (!Number.isInteger(Math.log2(capacity / ways)))
    throw new TypeError(`not a power of two of at least ${ways}: ${capacity}`);
  let table = createTable(Math.min(initial, capacity));
  const grow = () => {
    const larger = createTable(table.size * 2);
    table.copyTo(larger);
    table = larger;
  };
  return {
    get: (words, at) => table.get(words, at),
    set: (words, at, value) => {
      while (table.size < capacity && table.isFullFor(words, at)) grow();
      table.set(words, at, value);
    },
    delete: (words, at) => table.delete(words, at),
    clear: () => table.clear(),
  };
}

type Table = AddressCache & {
  readonly size: number;
  readonly isFullFor: (words: Uint32Array, at: number) => boolean;
  readonly copyTo: (larger: Table) => void;
};

function createTable(size: number): Table {
  const sets = size / ways;
  const keys = new Uint32Array(size * wordsPerAddress);
  const values = new Uint32Array(size);
  const oldest = new Uint8Array(sets);
  let taken = 0;

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

  /** A place of the address's set that nobody has, or -1. */
  const findFree = (words: Uint32Array, at: number): number => {
    const first = firstPlaceOf(words, at);
    for (let place = first; place < first + ways; place++) if (values[place] === 0) return place;
    return -1;
  };

  const makeRoom = (words: Uint32Array, at: number): number => {
    const first = firstPlaceOf(words, at);
    const set = first / ways;
    const victim = oldest[set] ?? 0;
    oldest[set] = (victim + 1) % ways;
    return first + victim;
  };

  return {
    size,
    get: (words, at) => {
      const place = find(words, at);
      return place < 0 ? 0 : (values[place] ?? 0);
    },
    set: (words, at, value) => {
      const known = find(words, at);
      const free = known < 0 ? findFree(words, at) : known;
      const place = free < 0 ? makeRoom(words, at) : free;
      if (values[place] === 0) taken += 1;
      for (let word = 0; word < wordsPerAddress; word++) keys[place * wordsPerAddress + word] = words[at + word] ?? 0;
      values[place] = value;
    },
    delete: (words, at) => {
      const place = find(words, at);
      if (place < 0) return;
      values[place] = 0;
      taken -= 1;
    },
    clear: () => {
      values.fill(0);
      taken = 0;
    },
    isFullFor: (words, at) => taken >= fullness * size && findFree(words, at) < 0 && find(words, at) < 0,
    copyTo: (larger) => {
      for (let place = 0; place < size; place++) {
        if (values[place] !== 0) larger.set(keys, place * wordsPerAddress, values[place] ?? 0);
      }
    },
  };
}
