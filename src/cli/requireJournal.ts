import { existsSync } from "node:fs";
import { ConfigError } from "../errors.ts";

/**
 * For commands that only look into the journal: where there is none, an empty one would say that all is well.
 *
 * @throws ConfigError `NO_JOURNAL`.
 */
export function requireJournal(path: string): void {
  if (existsSync(path)) return;
  throw new ConfigError(`there is no journal at ${path}`, {
    code: "NO_JOURNAL",
    remedy: "the daemon creates it at its first start; set journal.path if yours is elsewhere",
  });
}
