import { randomInt } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

/** A number in the header of a journal's file that grows while it is held: a copy of before has a smaller one. */
export type MarkedFile = {
  /** Whether what stands in the file is a number that this process may have written there since it looked last. */
  readonly isOurs: () => boolean;
  /** Has the number grow, where it is time; to be called in a transaction. */
  readonly renew: () => void;
  /** After the database: in POSIX, closing any descriptor of a file lets go of all the locks that its process has on it. */
  readonly close: () => void;
};

/** SQLite keeps its application id, which is for a program to use, in 4 bytes of the header. */
const [position, length] = [68, 4];
/** A copy that is younger than this, when the log was last brought into the file, cannot be told from it. */
const renewMs = 10_000;

/**
 * Marks the file of a journal that this process holds. What SQLite reads from it is not compared with anything: a file that was written over
 * in its place, as `cp` does, goes unnoticed, and what is stored from then on becomes part of two journals, or of none.
 *
 * The number gets into the file when the log is brought there, so the file's may be older than the newest one, never older than it was.
 */
export function markFile(database: DatabaseSync, path: string): MarkedFile {
  const newest = (): number => Number(database.prepare("PRAGMA application_id").get()?.application_id);
  // Where others begin is no secret, but no two journals should count in one another's steps.
  let highest = (newest() || randomInt(2 ** 30)) + 1;
  database.exec(`PRAGMA application_id = ${highest}; PRAGMA wal_checkpoint(TRUNCATE)`);
  const file = openSync(path, "r");
  const bytes = Buffer.alloc(length);
  const stored = () => (readSync(file, bytes, 0, length, position) === length ? bytes.readInt32BE() : -1);
  let seen = stored();
  let renewedAt = performance.now();
  return {
    isOurs: () => {
      const found = stored();
      const isOurs = found >= seen && found <= highest;
      if (isOurs) seen = found;
      return isOurs;
    },
    renew: () => {
      if (performance.now() - renewedAt < renewMs) return;
      renewedAt = performance.now();
      highest += 1;
      database.exec(`PRAGMA application_id = ${highest}`);
    },
    close: () => closeSync(file),
  };
}
