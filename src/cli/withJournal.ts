import { loadConfig } from "../config/loadConfig.ts";
import type { Config } from "../config/schema.ts";
import type { Journal } from "../journal/journal.ts";
import { openSqliteJournal } from "../journal/sqliteJournal.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";

/** Opens the journal that the configuration names, beside a daemon that may hold it, for as long as the work takes. */
export async function withJournal<T>(
  { env, cwd }: Context,
  { file, flags }: Pick<Line, "file" | "flags">,
  work: (journal: Journal, config: Config) => Promise<T>,
): Promise<T> {
  const { config } = loadConfig({ file, flags, env, cwd });
  const journal = openSqliteJournal({ path: config.journal.path, chainId: config.chain.id, shared: true });
  try {
    return await work(journal, config);
  } finally {
    await journal.close();
  }
}
