import type pg from "pg";
import type { Row } from "../rows.ts";
import { type JournalCheck, verifyContents } from "../verifyJournal.ts";
import { connectUnhurried, type PostgresPlace, placeName } from "./connect.ts";
import { openingError } from "./postgresError.ts";
import { holderOf } from "./postgresHold.ts";

/** Whether a database holds a journal. @throws ConfigError or RetryableError, as `openPostgresJournal`. */
export const hasJournal = (place: PostgresPlace): Promise<boolean> =>
  look(place, async (rows) => {
    const [row] = await rows("SELECT to_regclass('holder') IS NOT NULL AND to_regclass('meta') IS NOT NULL AS here");
    return row?.here === true;
  });

/** Whether a daemon holds it at this moment. */
export const isHeld = (place: PostgresPlace): Promise<boolean> =>
  look(place, async (rows) => (await holderOf(rows)) !== undefined);

/** The server keeps its files and its references whole; what is in the tables is checked as in SQLite. */
export const verifyPostgres = (place: PostgresPlace): Promise<readonly JournalCheck[]> =>
  look(place, async (rows) => {
    const [table] = await rows("SELECT to_regclass('provider_histories') IS NOT NULL AS here");
    return verifyContents(rows, table?.here === true);
  });

/** Looks at one state of the database, and changes nothing. */
async function look<T>(
  place: PostgresPlace,
  work: (rows: (text: string) => Promise<readonly Row[]>) => Promise<T>,
): Promise<T> {
  let client: pg.Client | undefined;
  try {
    const session = await connectUnhurried(place);
    client = session;
    await session.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    return await work(async (text) => (await session.query(text)).rows);
  } catch (error) {
    throw openingError(error, placeName(place));
  } finally {
    await client?.end().catch(() => undefined);
  }
}
