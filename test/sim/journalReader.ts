import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Hash, Hex } from "../../src/protocol/brand.ts";

export type ConfirmationRow = {
  readonly id: number;
  readonly task: Hex;
  readonly response: Hex;
  readonly state: string;
  readonly reason: string;
  readonly nonce: number | null;
  readonly mined_hash: Hash | null;
  readonly mined_block: number | null;
};

/** What is durable in the journal's file, read past the daemon. */
export type JournalReader = {
  /** Whether it was signed: for a confirmation, or to fill a gap. */
  readonly hasSigned: (hash: Hash) => boolean;
  readonly hasTask: (task: Hex) => boolean;
  readonly hasResponse: (response: Hex) => boolean;
  readonly cursor: () => { readonly number: number; readonly hash: Hash } | undefined;
  readonly confirmations: () => readonly ConfirmationRow[];
  /** Everything that was signed for a confirmation, to pay or to use a nonce up. */
  readonly attemptsOf: (id: number) => readonly Hash[];
  /** Whose key signed the newest attempt. */
  readonly signerOf: (id: number) => Hex | undefined;
  readonly highestNonce: (signer: Hex) => number | undefined;
  /** What a key has taken above a nonce for confirmations, ascending. */
  readonly noncesAbove: (
    signer: Hex,
    nonce: number,
  ) => readonly { readonly nonce: number; readonly confirmation: number }[];
  /** Who has paused paying, where it is paused. */
  readonly pausedBy: () => string | undefined;
  readonly close: () => void;
};

export function openJournalReader(path: string): JournalReader {
  const database = new DatabaseSync(path, { readOnly: true });
  const prepared = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    const known = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, known);
    return known;
  };
  return {
    hasSigned: (hash) =>
      (sql("SELECT 1 FROM attempts WHERE hash = ?").get(hash) ??
        sql("SELECT 1 FROM fillers WHERE hash = ?").get(hash)) !== undefined,
    hasTask: (task) => sql("SELECT 1 FROM tasks WHERE task = ?").get(task) !== undefined,
    hasResponse: (response) => sql("SELECT 1 FROM responses WHERE response = ?").get(response) !== undefined,
    cursor: () => {
      const row = sql("SELECT block_number, block_hash FROM cursors WHERE name = 'scanned'").get();
      return row && { number: Number(row.block_number), hash: row.block_hash as Hash };
    },
    confirmations: () =>
      sql(
        "SELECT id, task, response, state, reason, nonce, mined_hash, mined_block FROM confirmations ORDER BY id",
      ).all() as never,
    attemptsOf: (id) =>
      sql("SELECT hash FROM attempts WHERE confirmation_id = ?")
        .all(id)
        .map(({ hash }) => hash as Hash),
    signerOf: (id) =>
      sql("SELECT signer FROM attempts WHERE confirmation_id = ? ORDER BY ordinal DESC LIMIT 1").get(id)?.signer as
        | Hex
        | undefined,
    highestNonce: (signer) => {
      const row = sql("SELECT max(nonce) AS nonce FROM attempts WHERE signer = ?").get(signer);
      return row?.nonce == null ? undefined : Number(row.nonce);
    },
    noncesAbove: (signer, nonce) =>
      sql(
        "SELECT nonce, confirmation_id AS confirmation FROM nonces WHERE signer = ? AND nonce > ? ORDER BY nonce",
      ).all(signer, nonce) as never,
    pausedBy: () => {
      const row = sql("SELECT action, by FROM pauses ORDER BY id DESC LIMIT 1").get();
      return row?.action === "pause" ? (row.by as string) : undefined;
    },
    close: () => database.close(),
  };
}
