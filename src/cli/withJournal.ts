import { loadConfig, loadJournalConfig } from "../config/loadConfig.ts";
import type { Config } from "../config/schema.ts";
import type { Journal } from "../journal/journal.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { type JournalSite, journalSite, requireJournal } from "./journalSite.ts";

/** What the configuration names, beside the journal that is open. */
type Named = { readonly config: Config; readonly site: JournalSite };

/**
 * Opens the journal that the configuration names, beside a daemon that may hold it, for as long as the work takes.
 * @throws ConfigError `NO_JOURNAL`: an empty one, made at a wrong place, would say that all is well.
 */
export async function withJournal<T>(
  context: Context,
  line: Pick<Line, "file" | "flags">,
  work: (journal: Journal, named: Named) => Promise<T>,
): Promise<T> {
  const named = await namedJournal(context, line);
  return besideDaemon(named.site, (journal) => work(journal, named));
}

/**
 * The same for who needs nothing but the journal: what else is wrong with the configuration keeps nobody from it, and is told.
 * @throws as `withJournal`; ConfigError `CONFIG_INVALID` only where it cannot be known which journal is meant.
 */
export async function withJournalAlone<T>(
  { env, cwd, stderr }: Context,
  { file, flags }: Pick<Line, "file" | "flags">,
  work: (journal: Journal, site: JournalSite) => Promise<T>,
): Promise<T> {
  const { config, problems } = loadJournalConfig({ file, flags, env, cwd });
  if (problems !== undefined)
    stderr.write(`${problems}\nThe daemon would not start with it. What names the journal is read all the same\n`);
  const site = journalSite(config, { env, cwd });
  await requireJournal(site);
  return besideDaemon(site, (journal) => work(journal, site));
}

/** `withJournal` without opening it. @throws as `withJournal`. */
export async function namedJournal(
  { env, cwd }: Context,
  { file, flags }: Pick<Line, "file" | "flags">,
): Promise<Named> {
  const { config } = loadConfig({ file, flags, env, cwd });
  const site = journalSite(config, { env, cwd });
  await requireJournal(site);
  return { config, site };
}

/** Works with a journal that a daemon may hold, and leaves it again. */
export async function besideDaemon<T>(site: JournalSite, work: (journal: Journal) => Promise<T>): Promise<T> {
  const journal = await site.open({ shared: true });
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}
