import pg from "pg";
import { RetryableError } from "../../errors.ts";
import type { Row } from "../rows.ts";
import { connectionOptions, hurried, type PostgresPlace, placeName, sessionLimits } from "./connect.ts";

/** A lock of the journal that lasts as long as its connection: the server releases it when the daemon is gone. */
const lockKey = "1869049960, 'meta'::regclass::oid::int";
/** A host that is gone without a word: the server ends its session after this, and the journal is free. */
const goneAfter = [
  "SET tcp_keepalives_idle = 15",
  "SET tcp_keepalives_interval = 5",
  "SET tcp_keepalives_count = 6",
  "SET idle_session_timeout = 0",
];
const retryMs = 1_000;
/** The server notices the end of a killed daemon in this time. */
const patience = { tries: 10, ms: 200 };

export type Hold = { readonly release: () => Promise<void> };

/**
 * Holds the journal for one daemon, and holds it again after the connection was lost, unless somebody else took it
 * meanwhile: then the next write says so, by the holder's token.
 *
 * @throws RetryableError `JOURNAL_LOCKED` while another daemon holds it.
 */
export async function holdJournal(place: PostgresPlace, wait: (ms: number) => Promise<void>): Promise<Hold> {
  let client: pg.Client | undefined;
  let isReleased = false;

  let holder: string | undefined;
  const take = async (): Promise<boolean> => {
    const fresh = new pg.Client(connectionOptions(place, hurried));
    const again = () => {
      if (client !== fresh) return;
      client = undefined;
      void takeAgain();
    };
    fresh.on("error", again);
    fresh.on("end", again);
    try {
      await fresh.connect();
      for (const text of [sessionLimits(hurried), ...goneAfter]) await fresh.query(text);
      const { rows } = await fresh.query(`SELECT pg_try_advisory_lock(${lockKey}) AS taken`);
      if (rows[0]?.taken === true && !isReleased) {
        client = fresh;
        return true;
      }
      holder = await holderOf(async (text) => (await fresh.query(text)).rows);
      await fresh.end();
      return false;
    } catch (error) {
      await fresh.end().catch(() => undefined);
      throw error;
    }
  };
  const takeAgain = async () => {
    while (!isReleased && client === undefined) {
      await wait(retryMs);
      // What is wrong is told by whoever writes.
      await take().catch(() => undefined);
    }
  };

  for (let tries = patience.tries; !(await take()); tries--) {
    if (tries === 0) {
      const who = holder === undefined ? "" : ` (${holder})`;
      throw new RetryableError(`another daemon holds the journal in ${placeName(place)}${who}`, {
        code: "JOURNAL_LOCKED",
        remedy: "stop the other daemon, or give this one a database and a key of its own (journal.url, signer.*)",
      });
    }
    await wait(patience.ms);
  }
  return {
    release: async () => {
      isReleased = true;
      const held = client;
      client = undefined;
      await held?.end().catch(() => undefined);
    },
  };
}

/** From where, and since when, a daemon holds the journal; `undefined` where none does. */
export async function holderOf(rows: (text: string) => Promise<readonly Row[]>): Promise<string | undefined> {
  const [row] = await rows(`
    SELECT coalesce(host(a.client_addr), 'the server itself') AS host, a.backend_start AS since
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1869049960 AND l.objid = to_regclass('meta')::oid
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
  return row && `from ${row.host}${row.since instanceof Date ? `, since ${row.since.toISOString()}` : ""}`;
}
