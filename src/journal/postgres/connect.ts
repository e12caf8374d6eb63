import pg from "pg";

/** Where a PostgreSQL journal is, and the word that opens it. */
export type PostgresPlace = {
  /** `postgres://user@host:port/database?sslmode=…`, without a password. */
  readonly url: string;
  readonly password: string | undefined;
};

/** The place for people: without user's password and parameters. */
export function placeName({ url }: Pick<PostgresPlace, "url">): string {
  const { username, host, pathname } = new URL(url);
  return `${username === "" ? "" : `${username}@`}${host}${pathname}`;
}

/** Whole numbers of eight bytes hold block numbers, nonces and milliseconds here: all of them below 2^53. */
const int8 = 20;
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    oid === int8 ? Number : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig["getTypeParser"],
};

/**
 * Limits of one connection. A statement that waits for a lock gives up before the server gives up on it, and the server
 * before this process does: so that it is the server that says what became of it, where it can.
 */
const limits = {
  lock_timeout: 10_000,
  statement_timeout: 20_000,
  idle_in_transaction_session_timeout: 20_000,
  query_timeout: 30_000,
  connectionTimeoutMillis: 5_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
} as const;

/** For commands, and to prepare the database: what they ask may take long, and a person may stop them. */
export const unhurried = { statement_timeout: 0, query_timeout: 0 } as const;

export function connectionOptions({ url, password }: PostgresPlace): pg.PoolConfig {
  const complete = new URL(url);
  if (password !== undefined) complete.password = encodeURIComponent(password);
  // As libpq reads `sslmode`; the driver's own reading is about to change.
  if (!complete.searchParams.has("uselibpqcompat")) complete.searchParams.set("uselibpqcompat", "true");
  return {
    ...limits,
    connectionString: complete.href,
    application_name: "ogpu-confirmd",
    types,
    // Statements that do not wait for each other are sent together.
    pipeline: true,
  } as pg.PoolConfig;
}
