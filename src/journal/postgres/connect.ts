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

/** How long a statement may take: by the server's clock, and then by this process's. 0: as long as it takes. */
type Pace = { readonly statementMs: number; readonly queryMs: number };

/**
 * A statement that waits for a lock gives up before the server gives up on it, and the server before this process does: so
 * that it is the server that says what became of it, where it can.
 */
export const hurried: Pace = { statementMs: 20_000, queryMs: 30_000 };

/** For commands, and to prepare the database: what they ask may take long, and a person may stop them. */
export const unhurried: Pace = { statementMs: 0, queryMs: 0 };

/**
 * What each session is told first: a server's or a role's own limits may be shorter, or none. Not with the words that begin
 * it, which poolers refuse.
 */
export const sessionLimits = ({ statementMs }: Pace): string => `
  SET lock_timeout = 10000;
  SET statement_timeout = ${statementMs};
  SET idle_in_transaction_session_timeout = 20000;
  SELECT set_config('transaction_timeout', '0', false) WHERE current_setting('transaction_timeout', true) IS NOT NULL`;

export function connectionOptions({ url, password }: PostgresPlace, { queryMs }: Pace): pg.PoolConfig {
  const complete = new URL(url);
  if (password !== undefined) complete.password = encodeURIComponent(password);
  // As libpq reads `sslmode`; the driver's own reading is about to change.
  if (!complete.searchParams.has("uselibpqcompat")) complete.searchParams.set("uselibpqcompat", "true");
  return {
    query_timeout: queryMs,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionString: complete.href,
    application_name: "ogpu-confirmd",
    types,
    // Statements that do not wait for each other are sent together.
    pipeline: true,
  } as pg.PoolConfig;
}

/** A session of one's own for what may take long. */
export async function connectUnhurried(place: PostgresPlace): Promise<pg.Client> {
  const client = new pg.Client(connectionOptions(place, unhurried));
  // Whoever asks is told by the statement that fails.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(sessionLimits(unhurried));
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}
