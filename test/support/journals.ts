import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { afterAll, beforeAll, describe } from "vitest";
import { type PostgresServer, startPostgres, whyNoPostgres } from "../../devnet/postgres.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { openPostgresJournal } from "../../src/journal/postgres/postgresJournal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";

export type OpenOptions = { readonly shared?: boolean; readonly chainId?: number };

/** One journal, empty at first, and the ways to it. */
export type JournalPlace = {
  readonly open: (options?: OpenOptions) => Promise<Journal>;
  /** Does what the daemon never does, by the database's own means. */
  readonly tamper: (sql: string) => Promise<void>;
  /** Puts what an older version would have left there, before it is opened for the first time. */
  readonly beginWith: (sql: string) => Promise<void>;
  readonly remove: () => Promise<void>;
};

/** Makes empty journals, for as long as the tests of a block run. */
export type Journals = { readonly place: () => Promise<JournalPlace> };

/** The same tests for a journal in SQLite and one in PostgreSQL, where a server can be started. */
export function describeJournals(
  what: string,
  tests: (journals: Journals, kind: "SQLite" | "PostgreSQL") => void,
): void {
  describe(`${what}, in SQLite`, () => tests({ place: async () => sqlitePlace() }, "SQLite"));
  describePostgres(`${what}, in PostgreSQL`, (server) => {
    let count = 0;
    tests({ place: () => postgresPlace(server(), `journal_${++count}`) }, "PostgreSQL");
  });
}

/** Tests that need a server; where none can be started they are skipped, and the name says why. */
export function describePostgres(what: string, tests: (server: () => PostgresServer) => void): void {
  const why = whyNoPostgres();
  describe.skipIf(why !== undefined)(why === undefined ? what : `${what} (${why})`, () => {
    let server: PostgresServer | undefined;
    beforeAll(async () => {
      server = await startPostgres();
    }, 60_000);
    afterAll(() => server?.stop());
    tests(() => {
      if (!server) throw new Error("the server does not run yet");
      return server;
    });
  });
}

/** A file of its own. */
export function sqlitePlace(): JournalPlace {
  const folder = mkdtempSync(join(tmpdir(), "journal-"));
  const path = join(folder, "deep", "journal.sqlite");
  const tamper = async (sql: string) => {
    const database = new DatabaseSync(path);
    try {
      database.exec(sql);
    } finally {
      database.close();
    }
  };
  return {
    open: async ({ shared = false, chainId = 1071 } = {}) => openSqliteJournal({ path, chainId, shared }),
    tamper,
    beginWith: async (sql) => {
      mkdirSync(dirname(path));
      await tamper(sql);
    },
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A database of its own on a server. */
export async function postgresPlace(server: PostgresServer, name: string): Promise<JournalPlace> {
  await query(server, "postgres", `CREATE DATABASE ${name}`);
  const { password } = server;
  const tamper = async (sql: string) => void (await query(server, name, sql));
  return {
    open: ({ shared = false, chainId = 1071 } = {}) =>
      openPostgresJournal({ url: server.urlOf(name), password, chainId, shared }),
    tamper,
    beginWith: tamper,
    remove: async () => void (await query(server, "postgres", `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  };
}

/** Asks a server, as its operator may. */
export async function query(server: PostgresServer, database: string, sql: string): Promise<readonly unknown[]> {
  const url = new URL(server.urlOf(database));
  url.password = encodeURIComponent(server.password);
  const client = new pg.Client({ connectionString: url.href });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
