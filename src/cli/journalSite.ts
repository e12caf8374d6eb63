import { statSync } from "node:fs";
import { join } from "node:path";
import { readEnvironment } from "../config/readEnvironment.ts";
import type { Config } from "../config/schema.ts";
import { ConfigError, type FatalError } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import { isJournalHeld } from "../journal/journalLock.ts";
import { journalUnopened } from "../journal/journalUnopened.ts";
import { openSqliteJournal } from "../journal/sqliteJournal.ts";
import { type JournalCheck, verifyJournal } from "../journal/verifyJournal.ts";
import { isLoopback } from "../signer/remote/isLoopback.ts";
import { requireText, secretFiles, withoutLastBreak } from "../signer/secretFiles.ts";

type OpenSite = {
  /** For commands beside the daemon: opened without taking it away from the one that holds it. @default false */
  readonly shared?: boolean;
  /** Told once, when the daemon can write nothing more for good, and must end. */
  readonly onLost?: (error: FatalError) => void;
};

/** The journal that a configuration names, in whatever database. */
export type JournalSite = {
  /** Where it is, for people. */
  readonly name: string;
  /** What no log may show: give it to the logger before anything else. */
  readonly secrets: readonly string[];
  readonly warnings: readonly string[];
  /** Whether there is one: an empty one would say that all is well. @throws ConfigError `JOURNAL_UNUSABLE` where that cannot be seen. */
  readonly exists: () => Promise<boolean>;
  /** Whether a daemon holds it at this moment. */
  readonly isHeld: () => Promise<boolean>;
  /** @throws what `openSqliteJournal` or `openPostgresJournal` throws. */
  readonly open: (options?: OpenSite) => Promise<Journal>;
  /** Looks for what is wrong with it, and changes nothing. */
  readonly verify: () => Promise<readonly JournalCheck[]>;
};

type SiteContext = { readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string };

/**
 * Finds the journal: the server in `journal.url`, else the file in `journal.path`. What PostgreSQL needs is loaded when it
 * is asked for, and not before.
 *
 * @throws ConfigError `KEY_UNREADABLE` if the password's file cannot be read.
 */
export function journalSite(config: Pick<Config, "journal" | "chain">, context: SiteContext): JournalSite {
  const { path, url } = config.journal;
  const chainId = config.chain.id;
  if (url !== undefined) return postgresSite({ ...config.journal, url }, chainId, context);
  return {
    name: path,
    secrets: [],
    warnings: [],
    exists: async () => isThere(path),
    isHeld: async () => isThere(path) && isJournalHeld(path),
    open: async ({ shared = false, onLost } = {}) =>
      openSqliteJournal({ path, chainId, shared, isLasting: !shared, onLost }),
    verify: () => verifyJournal(path),
  };
}

/**
 * Whether a file is there. Where this user may not look, it may well be: another user's daemon may hold it, and pay.
 * @throws ConfigError `JOURNAL_UNUSABLE`.
 */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    throw journalUnopened(path, cause);
  }
}

function postgresSite(
  { url, passwordFile }: Config["journal"] & { readonly url: string },
  chainId: number,
  context: SiteContext,
): JournalSite {
  const { env } = readEnvironment(context);
  const files = secretFiles();
  const credential = env.CREDENTIALS_DIRECTORY && join(env.CREDENTIALS_DIRECTORY, "journal-password");
  const text =
    passwordFile !== undefined
      ? requireText(files, passwordFile, "password file", "journal.passwordFile")
      : ((credential ? files.read(credential) : undefined) ?? env.OGPU_JOURNAL_PASSWORD);
  const password = text === undefined ? undefined : withoutLastBreak(text);
  const place = { url, password };
  const { hostname, host, pathname, searchParams } = new URL(url);
  const isPlain =
    !searchParams.has("sslmode") && !searchParams.has("ssl") && !searchParams.get("host")?.startsWith("/");
  return {
    name: `PostgreSQL ${host}${pathname}`,
    secrets: password === undefined ? [] : [password],
    warnings: [
      ...(passwordFile === undefined ? [] : files.modeWarnings(passwordFile, "password file")),
      ...(isPlain && !isLoopback(hostname)
        ? [
            `the journal goes to ${host} unencrypted: add ?sslmode=verify-full to journal.url, or sslmode=disable if that is meant`,
          ]
        : []),
    ],
    exists: async () => (await import("../journal/postgres/lookAtPostgres.ts")).hasJournal(place),
    isHeld: async () => (await import("../journal/postgres/lookAtPostgres.ts")).isHeld(place),
    open: async (options = {}) =>
      (await import("../journal/postgres/postgresJournal.ts")).openPostgresJournal({ ...place, ...options, chainId }),
    verify: async () => (await import("../journal/postgres/lookAtPostgres.ts")).verifyPostgres(place),
  };
}

/**
 * For commands that make sense on a journal that is there alone.
 * @throws ConfigError `NO_JOURNAL`.
 */
export async function requireJournal(site: JournalSite): Promise<void> {
  if (await site.exists()) return;
  throw new ConfigError(`there is no journal at ${site.name}`, {
    code: "NO_JOURNAL",
    remedy: "the daemon creates it at its first start; set journal.path or journal.url if yours is elsewhere",
  });
}
