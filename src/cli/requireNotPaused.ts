import { payingPaused } from "../journal/checkAttempt.ts";
import type { Journal } from "../journal/journal.ts";

/**
 * While paying is paused nothing is paid, by hand neither.
 * @throws ConfigError `PAYING_PAUSED`, with who paused it and why.
 */
export async function requireNotPaused(journal: Pick<Journal, "pause">): Promise<void> {
  const pause = await journal.pause();
  if (pause !== undefined) throw payingPaused(pause);
}
