import { loadConfig } from "../config/loadConfig.ts";
import type { Config } from "../config/schema.ts";
import type { Journal } from "../journal/journal.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { type JournalSite, journalSite } from "./journalSite.ts";

/** Opens the journal that the configuration names, beside a daemon that may hold it, for as long as the work takes. */
export async function withJournal<T>(
  { env, cwd }: Context,
  { file, flags }: Pick<Line, "file" | "flags">,
  work: (journal: Journal, config: Config) => Promise<T>,
): Promise<T> {
  const { config } = loadConfig({ file, flags, env, cwd });
  return besideDaemon(journalSite(config, { env, cwd }), (journal) => work(journal, config));
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
