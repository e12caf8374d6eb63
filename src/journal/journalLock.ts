import { existsSync, realpathSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { ConfigError, RetryableError } from "../errors.ts";
import { journalUnopened } from "./journalUnopened.ts";

/** SQLite's primary result codes: another connection holds a lock; the file may only be read. */
const [busy, readOnly] = [5, 8];

/** Beside the file, as its log is, and not beside a link to it: all who come to one journal find one lock. */
const lockOf = (path: string): string => `${existsSync(path) ? realpathSync(path) : path}.lock`;

/**
 * Holds a journal for one process: an exclusive SQLite transaction on a file beside it, which the operating system
 * releases when the process ends, however it ends. Readers of the journal itself are not disturbed.
 *
 * @throws RetryableError `JOURNAL_LOCKED` while another process holds it; ConfigError `JOURNAL_UNUSABLE` where the lock's file may
 *   only be read; else what SQLite says of the disk.
 */
export function lockJournal(path: string): () => void {
  const lock = lockOf(path);
  const database = new DatabaseSync(lock);
  try {
    // Where a file may only be read, SQLite begins without the lock, and says nothing until something is written.
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE; PRAGMA user_version = 0");
  } catch (cause) {
    database.close();
    const code = Number((cause as { errcode?: unknown }).errcode) & 0xff;
    if (code === readOnly) {
      throw new ConfigError(`the journal's lock ${lock} cannot be written: nobody can hold the journal by it`, {
        code: "JOURNAL_UNUSABLE",
        remedy: "let it, as the journal, belong to the user that the daemon runs as (chown)",
        cause,
      });
    }
    if (code !== busy) throw cause;
    throw new RetryableError(`another process holds the journal ${path}`, {
      code: "JOURNAL_LOCKED",
      remedy: "stop the other daemon, or give this one a journal and a key of its own (journal.path, signer.*)",
      cause,
    });
  }
  return () => database.close();
}

/**
 * Whether a process holds a journal at this moment. Makes no lock file: root's would keep the daemon's user out.
 * @throws as `journalUnopened` tells, where the disk takes no lock.
 */
export function isJournalHeld(path: string): boolean {
  if (!existsSync(lockOf(path))) return false;
  try {
    lockJournal(path)();
    return false;
  } catch (error) {
    if (error instanceof RetryableError) return true;
    // Who may not write it would be told first that somebody holds it.
    if (error instanceof ConfigError) return false;
    throw journalUnopened(path, error);
  }
}
