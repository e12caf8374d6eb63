import { FatalError } from "../../src/errors.ts";
import type { Journal } from "../../src/journal/journal.ts";

/** What only reads: a crash before or after it is no crash of its own. */
const reads: ReadonlySet<string> = new Set([
  "cursor",
  "audited",
  "recentBlocks",
  "knownTasks",
  "glance",
  "tasksOfResponses",
  "openTasks",
  "untold",
  "settledTasks",
  "task",
  "confirmation",
  "confirmations",
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

/** What proves by its fences that the key is the writer's. */
const fenced: ReadonlySet<string> = new Set([
  "recordAttempt",
  "recordAttempts",
  "recordByHand",
  "changeConfirmation",
  "changeConfirmations",
  "markBroadcast",
  "recordFiller",
  "takeLease",
  "renewLease",
  "releaseLease",
]);

export type CrashJournalOptions = {
  readonly isAlive: () => boolean;
  /** Another daemon has the journal now, as a server of it would say; the keys' fences are left to the journal. */
  readonly isOusted: () => boolean;
  /** A moment at which the world may stop; it asks `isAlive` afterwards. */
  readonly moment: (what: string) => void;
  /** Throws where the disk does not take what is to be committed. @default it takes everything */
  readonly disk?: () => void;
  /** Something was committed. */
  readonly onCommit: (method: string, args: readonly unknown[]) => void;
};

/**
 * A journal whose process may die before or after any commit. From then on none of its promises settles, as in a process
 * that is gone.
 */
export function createCrashJournal(
  journal: Journal,
  { isAlive, isOusted, moment, disk = () => undefined, onCommit }: CrashJournalOptions,
): Journal {
  const never = new Promise<never>(() => undefined);
  const wrap = (name: string, method: (...args: readonly unknown[]) => Promise<unknown>) => {
    return async (...args: readonly unknown[]): Promise<unknown> => {
      if (!isAlive()) return never;
      if (reads.has(name)) {
        const found = await method(...args);
        return isAlive() ? found : never;
      }
      if (isOusted() && !fenced.has(name)) throw new FatalError("another daemon has the journal", { code: "OUSTED" });
      moment(`before ${name}`);
      if (!isAlive()) return never;
      disk();
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
