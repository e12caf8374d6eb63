import { closeSync, fdatasyncSync, fstatSync, openSync, writeSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

/** A little more than SQLite lets its log grow to before it begins it anew: 1,000 pages, and what one commit adds. */
const logBytes = 1_100 * 4_120;

/**
 * Gives SQLite's write-ahead log its full length at once. A commit that lengthens the file waits for the disk twice as long
 * as one that writes into it; SQLite writes on in the same file when it begins its log anew, so that this lasts until the
 * journal is closed. What stands behind the log's last frame is never read: each frame carries its log's salt.
 *
 * No frame can be written meanwhile: the write lock is held.
 */
export function growLog(database: DatabaseSync, path: string): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    const log = openSync(`${path}-wal`, "r+");
    try {
      for (let at = fstatSync(log).size; at < logBytes; ) {
        at += writeSync(log, Buffer.alloc(Math.min(logBytes - at, 1 << 20)), undefined, undefined, at);
      }
      fdatasyncSync(log);
    } finally {
      closeSync(log);
    }
  } finally {
    database.exec("ROLLBACK");
  }
}
