import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { type BaseError, ConfigError, RetryableError } from "../errors.ts";

/** SQLite's primary result codes for what may be over at the next start: busy, locked, input or output failed, disk full. */
const passing: ReadonlySet<number> = new Set([5, 6, 10, 13]);

/** The same for what is in the file: it is malformed, it is no database. */
const damaged: ReadonlySet<number> = new Set([11, 26]);

/** @returns SQLite's primary result code; `undefined` of what is none of its errors. */
export const resultCode = (error: unknown): number | undefined => {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : undefined;
};

/** A folder that cannot be made says it in the system's words. */
const isPassing = (cause: unknown): boolean => {
  const { code } = cause as { readonly code?: unknown };
  return passing.has(resultCode(cause) ?? -1) || code === "ENOSPC" || code === "EDQUOT";
};

/** What its disk has left. Where no file can be made, SQLite says only that it cannot be opened. */
function roomBeside(path: string): { readonly left: string; readonly isOver: boolean } | undefined {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(dirname(path));
    // Some file systems count no files at all.
    const isOver = bavail === 0 || (files > 0 && ffree === 0);
    return { left: `${bavail * bsize} bytes${files > 0 ? ` and ${ffree} files` : ""} are left`, isOver };
  } catch {
    return undefined;
  }
}

/**
 * What an operator is told where a journal's file cannot be opened.
 * @returns RetryableError `JOURNAL_UNAVAILABLE` for what passes, else ConfigError `JOURNAL_UNUSABLE`.
 */
export function journalUnopened(path: string, cause: unknown): BaseError {
  const message = `the journal ${path} cannot be opened: ${(cause as Error).message}`;
  const room = roomBeside(path);
  if (isPassing(cause) || room?.isOver === true) {
    return unavailable(message, room, cause);
  }
  return new ConfigError(message, {
    code: "JOURNAL_UNUSABLE",
    remedy: damaged.has(resultCode(cause) ?? -1)
      ? "see that journal.path names the journal; if so, keep it elsewhere with its -wal and -shm, and put its newest backup in its place (docs/runbook.md, Restore the journal)"
      : "make the directory writable for this user, run this as the daemon's user, or set journal.path to another place",
    cause,
  });
}

/** What is thrown where an open journal could not be read or written: a `RetryableError` for what passes, else the error itself. */
export const journalFailed = (path: string, error: unknown): unknown =>
  isPassing(error)
    ? unavailable(`the journal ${path} cannot be read or written: ${(error as Error).message}`, roomBeside(path), error)
    : error;

const unavailable = (message: string, room: ReturnType<typeof roomBeside>, cause: unknown): RetryableError =>
  new RetryableError(message, {
    code: "JOURNAL_UNAVAILABLE",
    remedy: `free space on its disk${room === undefined ? "" : ` (${room.left})`}, and see that no other program locks it`,
    cause,
  });
