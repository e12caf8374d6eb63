import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { SyncedLog } from "./syncedLog.ts";
import type { Asked, Statement, Store, Work } from "./work.ts";

type SqliteStoreDeps = {
  readonly database: DatabaseSync;
  /** Brings to the disk what was committed. @default the database does at each commit, whatever its durability */
  readonly log?: Pick<SyncedLog, "sync" | "check"> | undefined;
  /** Asked before each write; what it throws refuses it. @default nothing does */
  readonly check?: (() => void) | undefined;
  /** Does something of its own at the beginning of each transaction. @default nothing */
  readonly renew?: (() => void) | undefined;
  /** Begins to, without waiting. @default nothing goes ahead */
  readonly flush?: (() => void) | undefined;
  /** What to throw of an error. @default itself */
  readonly toError?: ((error: unknown) => unknown) | undefined;
};

/** Work in a SQLite database, in one go: nothing of this process comes between two statements of it, or before it is on the disk. */
export function sqliteStore(deps: SqliteStoreDeps): Store {
  const { database, log, check, renew, flush = () => undefined, toError = (error) => error } = deps;
  const prepare = prepareOnce(database);
  const transaction = transactionsOf(database, renew);
  const told = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw toError(error);
    }
  };
  return {
    read: async (work) => told(() => runInSqlite(prepare, work())),
    write: async (work, durability = "now") => {
      log?.check();
      check?.();
      const result = told(() => transaction(() => runInSqlite(prepare, work())));
      if (durability === "now") log?.sync();
      if (durability === "on its way") flush();
      return result;
    },
  };
}

type Prepare = (text: string) => StatementSync;

/** Does work to its end. @throws what the work throws: also what it was told of a statement that failed. */
function runInSqlite<T>(prepare: Prepare, work: Work<T>): T {
  let step = work.next();
  while (!step.done) {
    let answer: unknown;
    try {
      answer = answerOf(prepare, step.value);
    } catch (error) {
      step = work.throw(error);
      continue;
    }
    step = work.next(answer);
  }
  return step.value;
}

const answerOf = (prepare: Prepare, asked: Asked): unknown =>
  "text" in asked ? execute(prepare, asked) : asked.map((each) => execute(prepare, each));

function execute(prepare: Prepare, { text, values, wants }: Statement): unknown {
  const prepared = prepare(text);
  switch (wants) {
    case "row":
      return prepared.get(...values);
    case "rows":
      return prepared.all(...values);
    case "changes":
      return prepared.run(...values).changes;
    default:
      return wants satisfies never;
  }
}

/** Prepares each statement once: the text is the key. */
function prepareOnce(database: DatabaseSync): Prepare {
  const prepared = new Map<string, StatementSync>();
  return (text) => {
    const known = prepared.get(text);
    if (known) return known;
    const fresh = database.prepare(text);
    prepared.set(text, fresh);
    return fresh;
  };
}

function transactionsOf(database: DatabaseSync, onBegin = () => {}): <T>(work: () => T) => T {
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const rollback = database.prepare("ROLLBACK");
  return (work) => {
    begin.run();
    try {
      onBegin();
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      if (database.isTransaction) rollback.run();
      throw error;
    }
  };
}
