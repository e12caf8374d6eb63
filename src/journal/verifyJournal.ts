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

const tableOfSums = "SELECT name FROM sqlite_schema WHERE name = 'provider_histories'";

/**
 * Checks a journal's file, without changing it: SQLite's own word on it, the references between its tables, that no task
 * is paid twice, and that what was signed is what it says: bytes hash to their hash, stand in their nonce, and come from
 * the key that the nonce belongs to; and what policies know of providers against the verdicts that are left. Of a file that
 * cannot be read to its end that is what is wrong.
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
      ...(await verifyContents(async (text) => rows(text), rows(tableOfSums).length > 0)),
    ];
  } catch (cause) {
    if (!damaged.has(resultCode(cause) ?? -1)) throw journalUnopened(path, cause);
    const problems = [...integrity.filter((text) => text !== "ok"), (cause as Error).message];
    return [{ name: "file", looked: 1, problems }];
  } finally {
    database?.close();
  }
}

type Ask = (text: string) => Promise<readonly Row[]>;

/** What is the same for every database. @param rows Asks it. @param hasSums Not so before version 10. */
export async function verifyContents(rows: Ask, hasSums: boolean): Promise<readonly JournalCheck[]> {
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
    ...(hasSums ? [await verifySums(rows)] : []),
  ];
}

const sums = ["seen", "approved", "rejected"] as const;

const sumsAndVerdicts = `
  WITH counted AS (
    SELECT provider, count(DISTINCT response) AS seen,
      count(DISTINCT CASE kind WHEN 'confirm' THEN response END) AS approved,
      count(DISTINCT CASE kind WHEN 'reject' THEN response END) AS rejected
    FROM verdicts WHERE provider IS NOT NULL AND kind <> 'wait' GROUP BY provider)
  SELECT coalesce(h.provider, c.provider) AS provider,
    ${sums.map((name) => `coalesce(h.${name}, 0) AS ${name}, coalesce(c.${name}, 0) AS ${name}_left`).join(", ")}
  FROM provider_histories h FULL JOIN counted c ON c.provider = h.provider`;

/** What was pruned is in the sums alone: then they are as much as the verdicts that are left, or more. */
async function verifySums(rows: Ask): Promise<JournalCheck> {
  const isPruned = (await rows("SELECT task FROM tasks WHERE pruned_at IS NOT NULL LIMIT 1")).length > 0;
  const found = await rows(sumsAndVerdicts);
  const problems = found.flatMap((row) => {
    const kept = sums.map((name) => Number(row[name]));
    const left = sums.map((name) => Number(row[`${name}_left`]));
    const isRight = kept.every((sum, at) => (isPruned ? sum >= Number(left[at]) : sum === left[at]));
    const [seen, approved, rejected] = kept;
    return isRight
      ? []
      : [
          `provider ${row.provider} counts as ${seen} seen, ${approved} approved and ${rejected} rejected; its verdicts say ${left[0]}, ${left[1]} and ${left[2]}`,
        ];
  });
  return { name: "sums of providers", looked: found.length, problems };
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
