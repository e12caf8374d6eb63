/** A sum over what came in the last so many milliseconds. */
export type Window = {
  readonly add: (at: number, amount: bigint) => void;
  /** Corrects what came at a time, where it counts still. */
  readonly change: (at: number, by: bigint) => void;
  readonly sum: (now: number) => bigint;
  readonly isEmpty: (now: number) => boolean;
  /** When the sum will have fallen by `amount`, milliseconds since 1970; `undefined`: it never holds so much. */
  readonly freeAt: (amount: bigint, now: number) => number | undefined;
};

const minuteMs = 60_000;

type Bucket = { readonly last: number; readonly amount: bigint };

/**
 * What is kept does not grow with what comes: a bucket for each minute, which counts until the last that came in it has left
 * the window. So the sum is never too low, and an amount counts for less than a minute longer than it must, in whatever order they
 * come: a clock that was ahead leaves some that are to come.
 */
export function createWindow(lengthMs: number, bucketMs = minuteMs): Window {
  /** In the order of their minutes. */
  let buckets = new Map<number, Bucket>();
  let newest = Number.NEGATIVE_INFINITY;
  let total = 0n;
  const keyOf = (at: number): number => Math.floor(at / bucketMs);
  const forget = (now: number) => {
    for (const [key, { last, amount }] of buckets) {
      if (last > now - lengthMs) return;
      total -= amount;
      buckets.delete(key);
    }
  };
  return {
    add: (at, amount) => {
      const key = keyOf(at);
      const bucket = buckets.get(key);
      buckets.set(key, { last: Math.max(at, bucket?.last ?? at), amount: (bucket?.amount ?? 0n) + amount });
      if (bucket === undefined && key < newest) buckets = new Map([...buckets].sort(([a], [b]) => a - b));
      newest = Math.max(newest, key);
      total += amount;
    },
    change: (at, by) => {
      const key = keyOf(at);
      const bucket = buckets.get(key);
      if (bucket === undefined) return;
      buckets.set(key, { ...bucket, amount: bucket.amount + by });
      total += by;
    },
    sum: (now) => {
      forget(now);
      return total;
    },
    isEmpty: (now) => {
      forget(now);
      return buckets.size === 0;
    },
    freeAt: (amount, now) => {
      forget(now);
      if (amount <= 0n) return now;
      let freed = 0n;
      // A bucket goes only after those before it have gone.
      let leaves = now;
      for (const bucket of buckets.values()) {
        freed += bucket.amount;
        leaves = Math.max(leaves, bucket.last + lengthMs);
        if (freed >= amount) return leaves;
      }
      return undefined;
    },
  };
}
