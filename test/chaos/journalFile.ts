import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresServer } from "../../devnet/postgres.ts";
import type { Hash, TaskAddress } from "../../src/protocol/brand.ts";
import { query as queryServer } from "../support/journals.ts";

export type JournalledConfirmation = {
  readonly task: TaskAddress;
  readonly state: string;
  readonly reason: string;
  readonly mined_hash: Hash | null;
};

/** What is durable in the journal, read beside the daemon. */
export type JournalReader = {
  readonly confirmations: () => Promise<readonly JournalledConfirmation[]>;
  /** Hashes of everything that was ever signed. */
  readonly signed: () => Promise<ReadonlySet<Hash>>;
  readonly highestNonce: () => Promise<number>;
  /** Confirmations that were signed more than once in one nonce, and the most signatures of one. */
  readonly replaced: () => Promise<Replaced>;
};

export type Replaced = { readonly confirmations: number; readonly mostAttempts: number };

type Rows = readonly Record<string, unknown>[];

export const readJournalFile = (path: string): JournalReader =>
  readJournal(async (sql) => {
    if (!existsSync(path)) return [];
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
    try {
      // A daemon that was killed while it made the file has left it empty.
      if (database.prepare("PRAGMA user_version").get()?.user_version === 0) return [];
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  });

/** In a database that a daemon has begun to use, or is about to. */
export const readJournalServer = (server: PostgresServer, database: string): JournalReader =>
  readJournal(async (sql) => {
    // The server may be on its way down or up.
    for (let tries = 200; ; tries--) {
      try {
        const [made] = (await queryServer(server, database, "SELECT to_regclass('meta') IS NOT NULL AS made")) as Rows;
        return made?.made === true ? ((await queryServer(server, database, sql)) as Rows) : [];
      } catch (error) {
        if (tries === 0) throw error;
        await sleep(50);
      }
    }
  });

function readJournal(query: (sql: string) => Promise<Rows>): JournalReader {
  return {
    confirmations: async () =>
      (await query("SELECT task, state, reason, mined_hash FROM confirmations ORDER BY id")) as never,
    signed: async () => {
      const rows = await query("SELECT hash FROM attempts UNION SELECT hash FROM fillers");
      return new Set(rows.map(({ hash }) => hash as Hash));
    },
    replaced: async () => {
      const counts = await query(
        "SELECT count(*) AS n FROM attempts GROUP BY confirmation_id, nonce HAVING count(*) > 1",
      );
      return { confirmations: counts.length, mostAttempts: Math.max(1, ...counts.map(({ n }) => Number(n))) };
    },
    highestNonce: async () => Number((await query("SELECT max(nonce) AS nonce FROM nonces"))[0]?.nonce ?? -1),
  };
}
