/** A map that forgets its oldest entry when it is full: a cache whose misses cost a look-up, never correctness. */
export function createBoundedMap<K, V>(limit: number): Pick<Map<K, V>, "get" | "set" | "delete" | "size"> {
  const entries = new Map<K, V>();
  return {
    get: (key) => entries.get(key),
    delete: (key) => entries.delete(key),
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      const oldest = entries.keys().next();
      if (entries.size > limit && !oldest.done) entries.delete(oldest.value);
      return this as unknown as Map<K, V>;
    },
    get size() {
      return entries.size;
    },
  };
}
