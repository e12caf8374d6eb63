import type pg from "pg";
import { ConfigError, RetryableError } from "../../errors.ts";
import { heldAndOlder } from "../heldAndOlder.ts";
import { migrations } from "../migrations.ts";
import { connectUnhurried, type PostgresPlace, placeName } from "./connect.ts";
import { holderOf } from "./postgresHold.ts";
import { postgresMigrations } from "./postgresMigrations.ts";

/** The oldest major version that is still maintained when this was written. */
const oldest = 14;
/** Encodings that keep every text: what a provider wrote cannot be stored in others, and its task would never be judged. */
const complete = ["UTF8", "SQL_ASCII"];
/** One program at a time changes a schema. */
const schemaLock = "SELECT pg_advisory_xact_lock(1869049971, 0)";

/**
 * Brings a database to the journal's newest schema, in one transaction, and checks that it is this chain's. It has a
 * connection of its own for that, which only locks can hurry: a large journal takes as long as it takes, and one that was
 * broken off would begin anew at each start.
 *
 * @throws ConfigError `JOURNAL_SERVER_OLD`, `JOURNAL_NOT_DURABLE`, `JOURNAL_ENCODING`, `JOURNAL_POOLED`, `JOURNAL_NOT_EMPTY`,
 *   `JOURNAL_NEWER` or `JOURNAL_OTHER_CHAIN`; RetryableError `JOURNAL_STANDBY` while the server is one, `JOURNAL_OLDER` while a daemon holds
 *   what would have to be migrated.
 */
export async function prepareDatabase(place: PostgresPlace, chainId: number): Promise<void> {
  const where = placeName(place);
  const client = await connectUnhurried(place);
  try {
    await checkServer(client, where);
    await checkSession(client, place);
    await client.query("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
    await client.query(schemaLock);
    await migrate(client, where);
    await claimChain(client, where, chainId);
    await client.query("COMMIT");
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function checkServer(client: pg.Client, where: string): Promise<void> {
  const { rows } = await client.query(`
    SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS name,
      current_setting('fsync') AS fsync, current_setting('server_encoding') AS encoding,
      pg_is_in_recovery() AS standby`);
  const { version, name, fsync, encoding, standby } = rows[0];
  if (version < oldest * 10_000) {
    throw new ConfigError(
      `the journal's server (${where}) is PostgreSQL ${name}; the oldest that will do is ${oldest}`,
      {
        code: "JOURNAL_SERVER_OLD",
        remedy: `upgrade the server to PostgreSQL ${oldest} or later`,
      },
    );
  }
  if (fsync !== "on") {
    throw new ConfigError(
      `the journal's server (${where}) runs with fsync = ${fsync}: a power cut loses what was signed`,
      {
        code: "JOURNAL_NOT_DURABLE",
        remedy: "set fsync = on in the server's configuration",
      },
    );
  }
  if (!complete.includes(encoding)) {
    throw new ConfigError(`the journal's database (${where}) has the encoding ${encoding}, which lacks characters`, {
      code: "JOURNAL_ENCODING",
      remedy: "create it anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
    });
  }
  // It may be about to take the primary's place.
  if (standby === true) {
    throw new RetryableError(`the journal's server (${where}) is a standby: it takes no writes`, {
      code: "JOURNAL_STANDBY",
      remedy: "wait until it is the primary, or let journal.url name the primary, or an address that follows it",
    });
  }
}

/** A pooler that lends its sessions for a transaction each gives the last one back to whoever comes next, or this one another. */
async function checkSession(client: pg.Client, place: PostgresPlace): Promise<void> {
  const sessionOf = async (each: pg.Client) => (await each.query("SELECT pg_backend_pid() AS pid")).rows[0].pid;
  const before = await sessionOf(client);
  const other = await connectUnhurried(place);
  try {
    await other.query("BEGIN");
    if ((await sessionOf(other)) !== before && (await sessionOf(client)) === before) return;
  } finally {
    await other.end().catch(() => undefined);
  }
  throw new ConfigError(`${placeName(place)} is a pooler that lends its sessions: nobody can hold a journal by one`, {
    code: "JOURNAL_POOLED",
    remedy: "let journal.url name the server itself, or a pooler in session mode",
  });
}

async function migrate(client: pg.Client, where: string): Promise<void> {
  const version = await versionOf(client, where);
  if (version > migrations.length) {
    throw new ConfigError(`the journal in ${where} has version ${version}; this program knows ${migrations.length}`, {
      code: "JOURNAL_NEWER",
      remedy: "run the version of ogpu-confirmd that wrote it, or a later one",
    });
  }
  if (version === migrations.length) return;
  const holder = version === 0 ? undefined : await holderOf(async (text) => (await client.query(text)).rows);
  if (holder !== undefined) throw heldAndOlder(`in ${where}`, version, { holder });
  for (const { to, sql } of postgresMigrations) if (to > version) await client.query(sql);
  await client.query(
    "INSERT INTO meta (key, value) VALUES ('schema', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    [String(migrations.length)],
  );
}

/** 0: there is no journal yet. */
async function versionOf(client: pg.Client, where: string): Promise<number> {
  const { rows: tables } = await client.query(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v')",
  );
  if (tables.length === 0) return 0;
  const isOurs = tables.some(({ name }) => name === "meta") && tables.some(({ name }) => name === "holder");
  const { rows } = isOurs ? await client.query("SELECT value FROM meta WHERE key = 'schema'") : { rows: [] };
  if (rows[0]) return Number(rows[0].value);
  throw new ConfigError(`the database ${where} holds ${tables.length} tables that are no journal's`, {
    code: "JOURNAL_NOT_EMPTY",
    remedy: "give the journal a database of its own (journal.url)",
  });
}

async function claimChain(client: pg.Client, where: string, chainId: number): Promise<void> {
  await client.query("INSERT INTO meta (key, value) VALUES ('chainId', $1) ON CONFLICT DO NOTHING", [String(chainId)]);
  const { rows } = await client.query("SELECT value FROM meta WHERE key = 'chainId'");
  if (rows[0]?.value !== String(chainId)) {
    throw new ConfigError(`the journal in ${where} belongs to chain ${rows[0]?.value}, not to chain ${chainId}`, {
      code: "JOURNAL_OTHER_CHAIN",
      remedy: "give each chain a database of its own (journal.url)",
    });
  }
}
