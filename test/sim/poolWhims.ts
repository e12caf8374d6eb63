import type { Hash, Hex } from "../../src/protocol/brand.ts";
import type { Faults } from "./faults.ts";
import type { Mempool, ModelTransaction } from "./mempool.ts";
import type { Prng } from "./prng.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtualTime.ts";

export type PoolWhimsDeps = {
  readonly pool: Mempool;
  readonly prng: Prng;
  readonly faults: Faults;
  readonly time: VirtualTime;
  readonly trace: Trace;
  /** Transactions of an account that are mined. */
  readonly minedBy: (from: Hex) => number;
};

/** What pools do with what they took. */
export type PoolWhims = {
  /** Between two blocks: what waits may be evicted. */
  readonly disturb: (ours: readonly ModelTransaction[]) => void;
  /** It is in the pool, in the place of that one, where there was one. @returns what the node says instead of yes. */
  readonly taken: (transaction: ModelTransaction, before: ModelTransaction | undefined) => "already known" | undefined;
  /** One node's own pool, which passes some of what it takes on to nobody. */
  readonly ofNode: () => Keeps;
};

export type Keeps = {
  /** It has this one, and nobody else does. */
  readonly has: (hash: Hash) => boolean;
  /** Whether it keeps this one to itself. */
  readonly keeps: (hash: Hash) => boolean;
};

export function createPoolWhims({ pool, prng, faults, time, trace, minedBy }: PoolWhimsDeps): PoolWhims {
  const drop = ({ hash, key }: ModelTransaction, why: string) => {
    trace.note(`the pool ${why} nonce ${key?.nonce} ${hash.slice(0, 10)}`);
    pool.remove(hash);
  };

  const restore = (newer: ModelTransaction, older: ModelTransaction) => {
    const { key } = older;
    if (!key || faults.isOver() || !pool.has(newer.hash) || minedBy(key.from) > key.nonce) return;
    trace.note(`the pool has the older one of nonce ${key.nonce} again: ${older.hash.slice(0, 10)}`);
    pool.put(older);
  };

  return {
    disturb: (ours) => {
      if (ours.length === 0) return;
      if (faults.strikes("pool restarts empty")) for (const each of ours) drop(each, "restarts without");
      if (!faults.strikes("highest nonces evicted")) return;
      const { key } = prng.pick(ours);
      const waiting = pool.ofAccount(key?.from ?? "0x");
      for (const each of waiting.slice(-prng.between(1, waiting.length))) drop(each, "evicts");
    },
    taken: (transaction, before) => {
      if (before !== undefined && faults.strikes("replacement undone"))
        time.after(prng.between(2_000, 40_000), () => restore(transaction, before));
      if (!faults.strikes("known and dropped")) return undefined;
      time.after(prng.between(500, 10_000), () => {
        if (!faults.isOver() && pool.has(transaction.hash)) drop(transaction, "drops what it knew of");
      });
      return "already known";
    },
    ofNode: () => {
      const kept = new Map<Hash, number>();
      const has = (hash: Hash) => !faults.isOver() && time.now() < (kept.get(hash) ?? 0);
      return {
        has,
        keeps: (hash) => {
          if (!faults.strikes("passed on to nobody")) return false;
          kept.set(hash, time.now() + prng.between(5_000, 90_000));
          return true;
        },
      };
    },
  };
}
