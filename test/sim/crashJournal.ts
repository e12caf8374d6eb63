import type { Journal } from "../../src/journal/journal.ts";

/** What only reads: a crash before or after it is no crash of its own. */
const reads: ReadonlySet<string> = new Set([
  "cursor",
  "audited",
  "recentBlocks",
  "knownTasks",
  "tasksOfResponses",
  "openTasks",
  "untold",
  "task",
  "confirmation",
  "unsettled",
  "highestNonce",
  "providerHistory",
  "decision",
  "decisions",
  "held",
  "answeredTasks",
  "pause",
  "pauseHistory",
  "leases",
]);

export type CrashJournalOptions = {
  readonly isAlive: () => boolean;
  /** A moment at which the world may stop; it asks `isAlive` afterwards. */
  readonly moment: (what: string) => void;
  /** Something was committed. */
  readonly onCommit: (method: string, args: readonly unknown[]) => void;
};

/**
 * A journal whose process may die before or after any commit. From then on none of its promises settles, as in a process
 * that is gone.
 */
export function createCrashJournal(journal: Journal, { isAlive, moment, onCommit }: CrashJournalOptions): Journal {
  const never = new Promise<never>(() => undefined);
  const wrap = (name: string, method: (...args: readonly unknown[]) => Promise<unknown>) => {
    return async (...args: readonly unknown[]): Promise<unknown> => {
      if (!isAlive()) return never;
      if (reads.has(name)) {
        const found = await method(...args);
        return isAlive() ? found : never;
      }
      moment(`before ${name}`);
      if (!isAlive()) return never;
      const stored = await method(...args);
      onCommit(name, args);
      moment(`after ${name}`);
      return isAlive() ? stored : never;
    };
  };
  return Object.fromEntries(
    Object.entries(journal).map(([name, method]) => [name, name === "close" ? method : wrap(name, method as never)]),
  ) as unknown as Journal;
}
