/** A sum over what came in the last so many milliseconds. */
export type Window = {
  /** Puts an amount under a key, in the place of what was there. */
  readonly set: (key: string, at: number, amount: bigint) => void;
  readonly remove: (key: string) => void;
  readonly amountOf: (key: string, now: number) => bigint;
  readonly sum: (now: number) => bigint;
  readonly isEmpty: () => boolean;
  /** When the sum will have fallen by `amount`, milliseconds since 1970; `undefined`: it never holds so much. */
  readonly freeAt: (amount: bigint, now: number) => number | undefined;
};

type Entry = { readonly at: number; readonly amount: bigint };

/** Costs the same however much is in it: what has left the window is forgotten as time goes on. */
export function createWindow(lengthMs: number): Window {
  // A map keeps the order in which keys came; one that is set anew goes to the end.
  const entries = new Map<string, Entry>();
  let total = 0n;
  const remove = (key: string) => {
    total -= entries.get(key)?.amount ?? 0n;
    entries.delete(key);
  };
  const forget = (now: number) => {
    for (const [key, { at }] of entries) {
      if (at > now - lengthMs) return;
      remove(key);
    }
  };
  return {
    set: (key, at, amount) => {
      const before = entries.get(key);
      if (before !== undefined && before.at !== at) remove(key);
      else total -= before?.amount ?? 0n;
      entries.set(key, { at, amount });
      total += amount;
    },
    remove,
    amountOf: (key, now) => {
      forget(now);
      return entries.get(key)?.amount ?? 0n;
    },
    sum: (now) => {
      forget(now);
      return total;
    },
    isEmpty: () => entries.size === 0,
    freeAt: (amount, now) => {
      forget(now);
      let freed = 0n;
      if (amount <= 0n) return now;
      for (const entry of entries.values()) {
        freed += entry.amount;
        if (freed >= amount) return entry.at + lengthMs;
      }
      return undefined;
    },
  };
}
