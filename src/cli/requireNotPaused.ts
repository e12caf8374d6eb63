import { ConfigError } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";

/**
 * While paying is paused nothing is paid, by hand neither.
 * @throws ConfigError `PAYING_PAUSED`, with who paused it and why.
 */
export async function requireNotPaused(journal: Pick<Journal, "pause">): Promise<void> {
  const pause = await journal.pause();
  if (pause === undefined) return;
  throw new ConfigError(`paying is paused since ${new Date(pause.at).toISOString()}, by ${pause.who}: ${pause.why}`, {
    code: "PAYING_PAUSED",
    remedy: "ogpu-confirmd resume, if the reason is gone",
  });
}
