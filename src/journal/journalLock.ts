import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { RetryableError } from "../errors.ts";

/**
 * Holds a journal for one process: an exclusive SQLite transaction on a file beside it, which the operating system
 * releases when the process ends, however it ends. Readers of the journal itself are not disturbed.
 *
 * @throws RetryableError `JOURNAL_LOCKED` while another process holds it.
 */
export function lockJournal(path: string): () => void {
  const database = new DatabaseSync(`${path}.lock`);
  try {
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new RetryableError(`another process holds the journal ${path}`, {
      code: "JOURNAL_LOCKED",
      remedy: "stop the other daemon, or give this one a journal of its own (journal.path)",
      cause,
    });
  }
  return () => database.close();
}

/** Whether a process holds a journal at this moment. Makes no lock file: root's would keep the daemon's user out. */
export function isJournalHeld(path: string): boolean {
  if (!existsSync(`${path}.lock`)) return false;
  try {
    lockJournal(path)();
    return false;
  } catch (error) {
    if (error instanceof RetryableError) return true;
    throw error;
  }
}
