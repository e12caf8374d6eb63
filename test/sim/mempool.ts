import type { Hash, Hex } from "../../src/protocol/brand.ts";
import type { Action } from "./modelContracts.ts";

/** A transaction that waits, or was mined. Actors' transactions have no nonce: each goes in whenever it can. */
export type ModelTransaction = {
  readonly hash: Hash;
  readonly action: Action;
  readonly key: KeyTransaction | undefined;
};

/** What a transaction of an account with nonces adds. */
export type KeyTransaction = {
  readonly from: Hex;
  readonly nonce: number;
  /** Wei per gas; the legacy price is both. */
  readonly maxFee: bigint;
  readonly tip: bigint;
  /** The most that it may use; nobody asks for that of a stranger's. */
  readonly gas?: bigint;
  /** By whom: the daemon, or a stranger who has the same key. */
  readonly by: "daemon" | "stranger";
};

export type Mempool = {
  readonly all: () => readonly ModelTransaction[];
  readonly has: (hash: Hash) => boolean;
  /** Puts it in, in the place of another one of the same account and nonce. */
  readonly put: (transaction: ModelTransaction) => void;
  readonly remove: (hash: Hash) => void;
  /** What holds a nonce of an account. */
  readonly holder: (from: Hex, nonce: number) => ModelTransaction | undefined;
  /** What held the nonce of this one before, newest first: a miner may not have heard of the replacement. */
  readonly olderVersions: (transaction: ModelTransaction) => readonly ModelTransaction[];
  /** Waiting transactions of an account, in nonce order. */
  readonly ofAccount: (from: Hex) => readonly ModelTransaction[];
};

export function createMempool(): Mempool {
  const waiting = new Map<Hash, ModelTransaction>();
  const replaced = new Map<Hash, readonly ModelTransaction[]>();
  const olderVersions = ({ hash }: ModelTransaction) => replaced.get(hash) ?? [];
  const ofAccount = (from: Hex) =>
    [...waiting.values()]
      .filter(({ key }) => key?.from === from)
      .sort((a, b) => (a.key?.nonce ?? 0) - (b.key?.nonce ?? 0));
  const holder = (from: Hex, nonce: number) => ofAccount(from).find(({ key }) => key?.nonce === nonce);
  return {
    all: () => [...waiting.values()],
    has: (hash) => waiting.has(hash),
    put: (transaction) => {
      const { key } = transaction;
      const before = key && holder(key.from, key.nonce);
      if (before && before.hash !== transaction.hash) {
        waiting.delete(before.hash);
        replaced.set(transaction.hash, [before, ...olderVersions(before)]);
      }
      waiting.set(transaction.hash, transaction);
    },
    remove: (hash) => void waiting.delete(hash),
    holder,
    olderVersions,
    ofAccount,
  };
}
