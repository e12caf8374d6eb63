import { closeSync, fdatasyncSync, openSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { FatalError } from "../errors.ts";

/** SQLite's write-ahead log, which this program brings to the disk by itself. */
export type SyncedLog = {
  /** What was committed until now is on the disk when it returns. @throws FatalError `JOURNAL_UNSYNCED` if it is not. */
  readonly sync: () => void;
  /** @throws the same, once that has happened: nothing more may be written behind what the disk may lack. */
  readonly check: () => void;
  readonly close: () => void;
};

/**
 * Does by `fdatasync` what `synchronous = FULL` does at each commit by `fsync`, the only one that Node's SQLite knows. That one
 * brings the time of the file's last change to the disk, too, and therefore waits, now and then, for what other programs have
 * written to the file system: of 600 commits the longest took 3 to 212 ms on ext4, and 1.6 to 3.3 this way. SQLite locks its
 * database and its index, never its log; so no lock goes when another descriptor of the log is closed.
 *
 * The database is set to `NORMAL`: all else that has to be in order on the disk (a new log's header, the log before the database,
 * the database before the log is begun anew) SQLite brings there as before.
 *
 * A system that could not write says so once, and that all is well when it is asked again: so the first failure is the last word.
 *
 * @param onLost Told of that, once: whoever writes must end.
 * @returns `undefined` where the file system allows no such log, or it cannot be opened: then SQLite does it by itself.
 */
export function syncedLog(
  database: DatabaseSync,
  onLost: (error: FatalError) => void = () => undefined,
): SyncedLog | undefined {
  const mode = database.prepare("PRAGMA journal_mode").get()?.journal_mode;
  if (mode !== "wal") return undefined;
  let log: number;
  try {
    // Nobody takes it away, or puts another one there, while a connection has it open.
    log = openSync(`${database.location()}-wal`, "r+");
  } catch {
    return undefined;
  }
  database.exec("PRAGMA synchronous = NORMAL");
  let lost: FatalError | undefined;
  const check = () => {
    if (lost !== undefined) throw lost;
  };
  return {
    check,
    sync: () => {
      check();
      try {
        fdatasyncSync(log);
      } catch (cause) {
        lost = new FatalError(`the disk did not take what the journal wrote: ${(cause as Error).message}`, {
          code: "JOURNAL_UNSYNCED",
          remedy: "see what the system says of that disk; then start the daemon again: it goes on from what is there",
          cause,
        });
        onLost(lost);
        throw lost;
      }
    },
    close: () => {
      try {
        closeSync(log);
      } catch {
        // All that counts was brought to the disk before.
      }
    },
  };
}
