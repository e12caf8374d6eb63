import { confirmationJournal } from "./confirmationJournal.ts";
import { intakeJournal } from "./intakeJournal.ts";
import type { Journal } from "./journal.ts";
import { leaseJournal } from "./leaseJournal.ts";
import { policyJournal } from "./policyJournal.ts";
import { settledJournal } from "./settledJournal.ts";
import { sinkJournal } from "./sinkJournal.ts";
import { type Upkeep, upkeepJournal } from "./upkeepJournal.ts";
import { withdrawalJournal } from "./withdrawalJournal.ts";
import type { Store } from "./work.ts";

/** What only the database itself can do. */
type Own = Upkeep & Pick<Journal, "close">;

/** A journal on any kind of database: one statement of what it does, and what this database does of its own. */
export const journalOn = (store: Store, own: Own): Journal => ({
  ...intakeJournal(store),
  ...settledJournal(store),
  ...policyJournal(store),
  ...confirmationJournal(store),
  ...sinkJournal(store),
  ...leaseJournal(store),
  ...upkeepJournal(store),
  ...withdrawalJournal(store),
  ...own,
});
