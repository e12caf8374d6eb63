/** Reads that were begun before anybody asked for them. */
export type ReadAhead<T> = {
  /** Begins one, unless it is under way already, or too many are. */
  readonly begin: (key: string, read: () => Promise<T>) => void;
  /** What was begun under that key a moment ago, once; it may still be under way, and may fail as any read does. */
  readonly take: (key: string) => Promise<T> | undefined;
};

/** More than these at the same time come of a burst, where nobody waits for a single one. */
const limit = 16;
/** Milliseconds after which what was read is not news any more. */
const freshMs = 250;

export function createReadAhead<T>(now: () => number): ReadAhead<T> {
  const begun = new Map<string, { readonly at: number; readonly answer: Promise<T> }>();
  return {
    begin: (key, read) => {
      for (const [old, { at }] of begun) if (now() - at >= freshMs) begun.delete(old);
      if (begun.has(key) || begun.size >= limit) return;
      const answer = read();
      // Whoever takes it sees its error; if nobody does, it is nobody's.
      answer.catch(() => undefined);
      begun.set(key, { at: now(), answer });
    },
    take: (key) => {
      const found = begun.get(key);
      begun.delete(key);
      return found !== undefined && now() - found.at < freshMs ? found.answer : undefined;
    },
  };
}
