import type { JournalSite } from "./journalSite.ts";

/**
 * What to tell a person who pauses or resumes in a journal that no daemon holds: one that pays with another journal is not
 * touched, and must not be taken for one that is.
 */
export const noDaemon = ({ name }: Pick<JournalSite, "name">, what: string): string =>
  `no daemon holds the journal ${name}: ${what}. A daemon that runs with another journal is not touched: ` +
  "give its own configuration (--config, journal.path or journal.url) to reach it\n";
