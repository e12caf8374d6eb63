import { DatabaseSync } from "node:sqlite";
import type { Hex, TransactionSerialized } from "viem";
import { keccak256, parseTransaction } from "viem/utils";
import { recoverSigner } from "../signer/recoverSigner.ts";
import { journalUnopened, resultCode } from "./journalUnopened.ts";
import type { Row } from "./rows.ts";

/** What a journal was checked for, and what was wrong. */
export type JournalCheck = { readonly name: string; readonly looked: number; readonly problems: readonly string[] };

type AttemptRow = {
  hash: Hex;
  raw: TransactionSerialized;
  nonce: number;
  confirmation_id: number;
  signer: string | null;
};

/** SQLite's primary result codes for a file that is damaged or is no journal: a table is missing, it is malformed, it is no database. */
const damaged: ReadonlySet<number> = new Set([1, 11, 26]);

/**
 * Checks a journal's file, without changing it: SQLite's own word on it, the references between its tables, that no task
 * is paid twice, and that what was signed is what it says: bytes hash to their hash, stand in their nonce, and come from
 * the key that the nonce belongs to. Of a file that cannot be read to its end that is what is wrong.
 *
 * @throws ConfigError `JOURNAL_UNUSABLE` or RetryableError `JOURNAL_UNAVAILABLE` if it cannot be opened.
 */
export async function verifyJournal(path: string): Promise<readonly JournalCheck[]> {
  let database: DatabaseSync | undefined;
  let integrity: readonly string[] = [];
  try {
    const opened = new DatabaseSync(path, { readOnly: true });
    database = opened;
    const rows = (text: string) => opened.prepare(text).all() as Row[];
    integrity = rows("PRAGMA integrity_check").map((row) => String(Object.values(row)[0]));
    const foreign = rows("PRAGMA foreign_key_check").map(({ table, rowid }) => `${table}, row ${rowid}`);
    return [
      { name: "file", looked: 1, problems: integrity.filter((text) => text !== "ok") },
      { name: "references", looked: 1, problems: foreign },
      ...(await verifyContents(async (text) => rows(text))),
    ];
  } catch (cause) {
    if (!damaged.has(resultCode(cause) ?? -1)) throw journalUnopened(path, cause);
    const problems = [...integrity.filter((text) => text !== "ok"), (cause as Error).message];
    return [{ name: "file", looked: 1, problems }];
  } finally {
    database?.close();
  }
}

/** What is the same for every database. @param rows Asks it. */
export async function verifyContents(
  rows: (text: string) => Promise<readonly Row[]>,
): Promise<readonly JournalCheck[]> {
  const twice = await rows(`SELECT task FROM confirmations WHERE state NOT IN ('rejected', 'cancelled')
                            GROUP BY task HAVING count(*) > 1`);
  const confirmations = Number((await rows("SELECT count(*) AS count FROM confirmations"))[0]?.count);
  const attempts = (await rows(`SELECT a.hash, a.raw, a.nonce, a.confirmation_id, n.signer FROM attempts a
                                LEFT JOIN nonces n ON n.confirmation_id = a.confirmation_id AND n.nonce = a.nonce`)) as AttemptRow[];
  const problems = (await Promise.all(attempts.map(problemOf))).filter((problem) => problem !== undefined);
  return [
    {
      name: "confirmations",
      looked: confirmations,
      problems: twice.map(({ task }) => `task ${task} has two confirmations`),
    },
    { name: "signed bytes", looked: attempts.length, problems },
  ];
}

async function problemOf({ hash, raw, nonce, confirmation_id, signer }: AttemptRow): Promise<string | undefined> {
  const which = `attempt ${hash} of confirmation ${confirmation_id}`;
  try {
    if (keccak256(raw) !== hash) return `${which}: its bytes hash to ${keccak256(raw)}`;
    const { nonce: signed = 0 } = parseTransaction(raw);
    if (signed !== nonce) return `${which}: its bytes stand in nonce ${signed}, not ${nonce}`;
    if (signer === null) return `${which}: nobody holds its nonce ${nonce}`;
    const from = await recoverSigner(raw);
    return from.toLowerCase() === signer ? undefined : `${which}: it was signed by ${from}, not by ${signer}`;
  } catch (error) {
    return `${which}: its bytes cannot be read (${(error as Error).name})`;
  }
}
