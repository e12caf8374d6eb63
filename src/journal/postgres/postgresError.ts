import { BaseError, ConfigError, RetryableError } from "../../errors.ts";

/** What PostgreSQL says of an error; `undefined` where it is not of its making, such as a lost connection. */
const sqlStateOf = (error: unknown): string | undefined => {
  const { code, severity } = error as { readonly code?: unknown; readonly severity?: unknown };
  return typeof severity === "string" && typeof code === "string" ? code : undefined;
};

/**
 * States that pass: connection lost (08), resources short (53), lock or statement took too long, server stops or starts
 * (57), transaction to be tried again (40), server became a standby (25006), session ended for idling (25P).
 */
const passing = /^(08|53|57|40|58030|55P03|25006|25P0[34])/;

/** Whether the server itself said that a statement failed, and goes on serving this connection. */
export const isAnswer = (error: unknown): boolean => {
  const state = sqlStateOf(error);
  const { severity } = error as { readonly severity?: unknown };
  return state !== undefined && severity === "ERROR" && !/^(08|40003)/.test(state);
};

/** An error of a statement, with what passes made a `RetryableError`; what the work itself threw stays as it is. */
export function toJournalError(error: unknown, where: string): unknown {
  if (error instanceof BaseError) return error;
  const state = sqlStateOf(error);
  const isConnection = error instanceof Error && state === undefined && isOfTheWire(error);
  if (!isConnection && (state === undefined || !passing.test(state))) return error;
  return unavailable(where, error);
}

/** Errors of sockets and of the driver's own connection; anything else is a mistake of ours. */
const isOfTheWire = (error: Error): boolean =>
  typeof (error as NodeJS.ErrnoException).code === "string" ||
  error instanceof AggregateError ||
  /connection|timeout|not queryable|stream/i.test(error.message);

export const unavailable = (where: string, cause: unknown): RetryableError =>
  new RetryableError(`the journal in ${where} does not answer: ${wordsOf(cause)}`, {
    code: "JOURNAL_UNAVAILABLE",
    remedy: "see that the PostgreSQL server runs and can be reached; the daemon goes on by itself when it answers",
    cause,
  });

/** Why a journal's server could not be opened. @throws never; answers the error to throw. */
export function openingError(cause: unknown, where: string): BaseError {
  if (cause instanceof BaseError) return cause;
  const state = sqlStateOf(cause) ?? "";
  if (state.startsWith("28")) {
    return new ConfigError(`the server refuses the journal's user (${where}): ${wordsOf(cause)}`, {
      code: "JOURNAL_REFUSED",
      remedy: "check the user in journal.url and the password in journal.passwordFile or OGPU_JOURNAL_PASSWORD",
      cause,
    });
  }
  // A file of certificates that the URL names and that cannot be read is an error of opening it.
  const isFile = (cause as NodeJS.ErrnoException).syscall === "open";
  const isTls = isFile || /\bSSL\b|\bTLS\b|certificate|self.signed/i.test((cause as Error).message);
  if (passing.test(state) || (state === "" && !isTls)) return unavailable(where, cause);
  return new ConfigError(`the journal in ${where} cannot be opened: ${wordsOf(cause)}`, {
    code: "JOURNAL_UNUSABLE",
    remedy: isTls
      ? "set sslmode and sslrootcert in journal.url to what the server offers"
      : "create the database, and let its user create tables in it; see docs/postgres.md",
    cause,
  });
}

/** Node leaves the message of an error for several addresses empty. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(wordsOf))].join(", ");
  return error instanceof Error ? error.message : String(error);
}
