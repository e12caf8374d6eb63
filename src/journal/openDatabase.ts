import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BaseError, ConfigError, RetryableError } from "../errors.ts";
import { makeFolder } from "../makeFolder.ts";
import { heldAndOlder } from "./heldAndOlder.ts";
import { lockJournal } from "./journalLock.ts";
import { journalUnopened } from "./journalUnopened.ts";
import { type MarkedFile, markFile } from "./markedFile.ts";
import { migrations } from "./migrations.ts";

type OpenDatabase = {
  readonly database: DatabaseSync;
  /** Lets go of the lock, where there is one. */
  readonly unlock: () => void;
  /** Of who holds it alone. */
  readonly mark: MarkedFile | undefined;
};

/** Bytes that the write-ahead log keeps when it is begun anew. */
const longestLog = 16 * 2 ** 20;

/**
 * Opens (or creates) the journal's file, migrates it and checks that it belongs to this chain. It is locked before anything in it is
 * changed; a shared one for its migration only, so that nobody changes tables under an older daemon that works with them.
 *
 * @throws ConfigError `JOURNAL_UNUSABLE` if the file cannot be opened, `JOURNAL_NEWER` if a later version wrote it,
 *   `JOURNAL_OTHER_CHAIN` if it belongs to another chain;
 *   RetryableError `JOURNAL_LOCKED` or, shared, `JOURNAL_OLDER` while another process holds it, `JOURNAL_UNAVAILABLE` while the disk
 *   has no room, for bytes or for files, or another program locks it.
 */
export function openDatabase(path: string, chainId: number, shared: boolean): OpenDatabase {
  let database: DatabaseSync | undefined;
  let unlock = () => {};
  try {
    makeFolder(dirname(path));
    database = new DatabaseSync(path);
    // Read first: nothing is put beside a file that is no journal.
    database.exec("PRAGMA busy_timeout = 5000; PRAGMA schema_version");
    if (!shared) unlock = lockJournal(path);
    database.exec(
      "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
    );
    // It grows for as long as somebody reads, such as a backup of a large journal, and would keep that length.
    database.exec(`PRAGMA journal_size_limit = ${longestLog}`);
    // What a former daemon's log holds may not be on the disk, though it can be read: nothing is added behind that.
    if (!shared) database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    migrate(database, path, shared);
    claimChain(database, path, chainId);
    const mark = shared ? undefined : markFile(database, path);
    return { database, unlock, mark };
  } catch (cause) {
    database?.close();
    unlock();
    if (cause instanceof BaseError) throw cause;
    throw journalUnopened(path, cause);
  }
}

function migrate(database: DatabaseSync, path: string, shared: boolean): void {
  const version = versionOf(database);
  if (version > migrations.length) {
    throw new ConfigError(`the journal ${path} has version ${version}; this program knows ${migrations.length}`, {
      code: "JOURNAL_NEWER",
      remedy: "run the version of ogpu-confirmd that wrote it, or a later one",
    });
  }
  if (version === migrations.length) return;
  const unlock = shared ? lockOlder(path, version) : () => {};
  try {
    // Somebody else may have migrated it before the lock was free.
    for (let at = versionOf(database); at < migrations.length; at++) {
      database.exec(`BEGIN IMMEDIATE; ${migrations[at]} PRAGMA user_version = ${at + 1}; COMMIT`);
    }
  } finally {
    unlock();
  }
}

const versionOf = (database: DatabaseSync): number =>
  Number(database.prepare("PRAGMA user_version").get()?.user_version);

function lockOlder(path: string, version: number): () => void {
  try {
    return lockJournal(path);
  } catch (cause) {
    throw cause instanceof RetryableError ? heldAndOlder(path, version, { cause }) : cause;
  }
}

function claimChain(database: DatabaseSync, path: string, chainId: number): void {
  database.prepare("INSERT OR IGNORE INTO meta (key, value) VALUES ('chainId', ?)").run(String(chainId));
  const row = database.prepare("SELECT value FROM meta WHERE key = 'chainId'").get() as { value: string };
  if (row.value !== String(chainId)) {
    throw new ConfigError(`the journal ${path} belongs to chain ${row.value}, not to chain ${chainId}`, {
      code: "JOURNAL_OTHER_CHAIN",
      remedy: "set journal.path to a place of its own for each chain",
    });
  }
}
