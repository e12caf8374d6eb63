import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Hash, TaskAddress } from "../../src/protocol/brand.ts";

export type JournalledConfirmation = {
  readonly task: TaskAddress;
  readonly state: string;
  readonly reason: string;
  readonly mined_hash: Hash | null;
};

/** What is durable in the journal's file, read beside the daemon. */
export type JournalFile = {
  readonly confirmations: () => readonly JournalledConfirmation[];
  /** Hashes of everything that was ever signed. */
  readonly signed: () => ReadonlySet<Hash>;
  readonly highestNonce: () => number;
  /** Confirmations that were signed more than once in one nonce, and the most signatures of one. */
  readonly replaced: () => { readonly confirmations: number; readonly mostAttempts: number };
};

export function readJournalFile(path: string): JournalFile {
  const query = (sql: string): readonly Record<string, unknown>[] => {
    if (!existsSync(path)) return [];
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
    try {
      // A daemon that was killed while it made the file has left it empty.
      if (database.prepare("PRAGMA user_version").get()?.user_version === 0) return [];
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  };
  return {
    confirmations: () => query("SELECT task, state, reason, mined_hash FROM confirmations ORDER BY id") as never,
    signed: () =>
      new Set(query("SELECT hash FROM attempts UNION SELECT hash FROM fillers").map(({ hash }) => hash as Hash)),
    replaced: () => {
      const counts = query("SELECT count(*) AS n FROM attempts GROUP BY confirmation_id, nonce HAVING n > 1");
      return { confirmations: counts.length, mostAttempts: Math.max(1, ...counts.map(({ n }) => Number(n))) };
    },
    highestNonce: () => Number(query("SELECT max(nonce) AS nonce FROM nonces")[0]?.nonce ?? -1),
  };
}
