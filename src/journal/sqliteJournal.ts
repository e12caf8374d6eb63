import { backup, DatabaseSync } from "node:sqlite";
import type { FatalError } from "../errors.ts";
import { flushAhead } from "./flushAhead.ts";
import { growLog } from "./growLog.ts";
import type { Journal } from "./journal.ts";
import { journalOn } from "./journalOn.ts";
import { journalFailed } from "./journalUnopened.ts";
import { keptInPlace } from "./keptInPlace.ts";
import { freeLeases } from "./leaseJournal.ts";
import { openDatabase } from "./openDatabase.ts";
import { sqliteStore } from "./sqliteStore.ts";
import { syncedLog } from "./syncedLog.ts";
import type { Upkeep } from "./upkeepJournal.ts";

type JournalFile = {
  readonly path: string;
  readonly chainId: number;
  /** For commands beside the daemon: opened without taking it away from the one that holds it. @default false */
  readonly shared?: boolean;
  /** For whoever writes for long, and waits for each write: the log has its full length from the start. @default false */
  readonly isLasting?: boolean;
  /** Told once, when nothing more can be written for good (`JOURNAL_UNSYNCED`, `JOURNAL_GONE`): who holds it must end. */
  readonly onLost?: ((error: FatalError) => void) | undefined;
};

/**
 * The embedded journal: one SQLite file in WAL mode, whose log is brought to the disk before a method answers, but for what is
 * read from the chain and would be read there again (see `Durability`). One daemon holds it at a time.
 *
 * @throws RetryableError if another process holds it (a shared one: and it would have to be migrated); ConfigError if it is
 *   unusable, newer, or of another chain.
 */
export function openSqliteJournal({ path, chainId, shared = false, isLasting = false, onLost }: JournalFile): Journal {
  const { database, unlock, mark } = openDatabase(path, chainId, shared);
  // Whoever held the journal is gone: it would hold the lock.
  if (!shared) database.exec(freeLeases.ofHolders);
  // SQLite puts its log beside the file, not beside a link to it.
  const file = database.location() ?? path;
  if (isLasting) tryToGrowLog(database, file);
  const log = syncedLog(database, onLost);
  const ahead = isLasting ? flushAhead(`${file}-wal`) : undefined;
  const close = async () => {
    ahead?.end();
    database.close();
    log?.close();
    mark?.close();
    unlock();
  };
  const check = keptInPlace(file, mark?.isOurs, onLost);
  const toError = (error: unknown) => journalFailed(file, error);
  const store = sqliteStore({ database, log, check, renew: mark?.renew, flush: ahead?.begin, toError });
  return journalOn(store, { ...upkeepOf(database), close });
}

/** Where there is no room for it, or somebody else writes for long, commits take longer, and that is all. */
function tryToGrowLog(database: DatabaseSync, path: string): void {
  try {
    growLog(database, path);
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

const upkeepOf = (database: DatabaseSync): Upkeep => ({
  compact: async (pages) => {
    // The pragma takes no parameter, and gives a page back for each row that is read.
    database.prepare(`PRAGMA incremental_vacuum(${Math.trunc(pages)})`).all();
    return Number(database.prepare("PRAGMA freelist_count").get()?.freelist_count);
  },

  backup: async (path) => {
    // Another connection, and all pages in one step: one snapshot, whatever is written meanwhile.
    const source = new DatabaseSync(database.location() ?? "", { readOnly: true });
    try {
      await backup(source, path, { rate: 2 ** 31 - 1 });
    } finally {
      source.close();
    }
  },
});
