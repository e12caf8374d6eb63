import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { ConfigError, type FatalError } from "../../errors.ts";
import type { Journal } from "../journal.ts";
import { journalOn } from "../journalOn.ts";
import { freeLeases } from "../leaseJournal.ts";
import { connectionOptions, hurried, type PostgresPlace, placeName, sessionLimits, unhurried } from "./connect.ts";
import { openingError } from "./postgresError.ts";
import { type Hold, holdJournal } from "./postgresHold.ts";
import { postgresStore } from "./postgresStore.ts";
import { prepareDatabase } from "./prepareDatabase.ts";
import { commandLedger, holderLedger } from "./writeLedger.ts";

export type PostgresJournal = PostgresPlace & {
  readonly chainId: number;
  /** For commands beside the daemon: opened without taking it away from the one that holds it. @default false */
  readonly shared?: boolean;
  /** Told once, when this daemon can write nothing more for good (`JOURNAL_TAKEN`, `JOURNAL_LOST`): it must end. */
  readonly onLost?: (error: FatalError) => void;
};

/** Writes have one of their own, as they come one after the other: reads that take long keep none waiting. A daemon's hold is one more. */
const connections = { writes: 1, reads: 5 };

/**
 * The journal in a PostgreSQL database of its own, for one daemon at a time: a second one is refused, and takes over when
 * it is started again after the first has gone.
 *
 * @throws ConfigError if it is unusable, newer, of another chain, or on a server that is too old or would not keep what it
 *   stored; RetryableError `JOURNAL_UNAVAILABLE` while the server does not answer, `JOURNAL_LOCKED` while another daemon
 *   holds it.
 */
export async function openPostgresJournal(options: PostgresJournal): Promise<Journal> {
  const { chainId, shared = false, onLost = () => undefined, ...place } = options;
  const where = placeName(place);
  const closing = new AbortController();
  const wait = (ms: number) => pause(ms, undefined, { signal: closing.signal }).catch(() => undefined);
  const pools: pg.Pool[] = [];
  let hold: Hold | undefined;
  const close = async () => {
    if (closing.signal.aborted) return;
    closing.abort();
    await hold?.release();
    await Promise.all(pools.map((pool) => pool.end()));
  };
  try {
    await prepareDatabase(place, chainId);
    const openPool = (max: number): pg.Pool => {
      const pace = shared ? unhurried : hurried;
      const onConnect = (client: pg.ClientBase) => client.query(sessionLimits(pace));
      const pool = new pg.Pool({ ...connectionOptions(place, pace), onConnect, max } as pg.PoolConfig);
      // A connection that is lost is replaced when somebody needs one; who used it is told by the statement that failed.
      pool.on("error", () => undefined);
      pool.on("connect", (client) => void client.on("error", () => undefined));
      pools.push(pool);
      return pool;
    };
    const writes = openPool(connections.writes);
    const reads = openPool(connections.reads);
    if (shared) {
      const store = postgresStore({ reads, writes, where, ledger: commandLedger(where) });
      return journalOn(store, { ...upkeep, close });
    }
    hold = await holdJournal(place, wait);
    const token = await takeOver(writes);
    const ledger = holderLedger({ pool: writes, token, where, wait, onLost, closed: closing.signal });
    return journalOn(postgresStore({ reads, writes, where, ledger }), { ...upkeep, close });
  } catch (error) {
    await close().catch(() => undefined);
    throw openingError(error, where);
  }
}

/** By the time, too: a copy that is put in the journal's place may not know of the last holder, whose number nobody gets again. */
const nextHolder = `
  UPDATE holder SET token = greatest(token + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint), written = 0
  RETURNING token`;

/** The daemon that wrote before is fenced off from here on; what it leased is free, as it holds the journal no more. */
async function takeOver(pool: pg.Pool): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
    await client.query("SELECT pg_advisory_xact_lock(1869049973, 'meta'::regclass::oid::int)");
    const { rows } = await client.query(nextHolder);
    await client.query(freeLeases.ofDaemons);
    await client.query("COMMIT");
    client.release();
    return Number(rows[0].token);
  } catch (error) {
    client.release(true);
    throw error;
  }
}

const upkeep = {
  // The server's autovacuum gives space back.
  compact: async () => 0,
  backup: async (): Promise<never> => {
    throw new ConfigError("a journal in PostgreSQL is copied by the server's own tools", {
      code: "BACKUP_NOT_HERE",
      remedy: "use pg_dump, or the server's backups; see docs/postgres.md",
    });
  },
};
