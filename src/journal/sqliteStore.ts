import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Asked, Durability, Statement, Store, Work } from "./work.ts";

/**
 * Work in a SQLite database, in one go: nothing of this process comes between two statements of it.
 * @param flush Begins to send to the disk what was written, without waiting. @default nothing goes ahead
 */
export function sqliteStore(database: DatabaseSync, flush: () => void = () => undefined): Store {
  const prepare = prepareOnce(database);
  const transaction = transactionsOf(database);
  return {
    read: async (work) => runInSqlite(prepare, work()),
    write: async (work, durability) => {
      const result = transaction(() => runInSqlite(prepare, work()), durability);
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

function transactionsOf(database: DatabaseSync): <T>(work: () => T, durability?: Durability) => T {
  // A pragma is compiled each time that it is set: it stays until another durability is wanted.
  let current: Durability = "now";
  const set = (wanted: Durability) => {
    const durability = wanted === "now" ? "now" : "with the next";
    if (durability === current) return;
    database.exec(`PRAGMA synchronous = ${durability === "now" ? "FULL" : "NORMAL"}`);
    current = durability;
  };
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const rollback = database.prepare("ROLLBACK");
  return (work, durability = "now") => {
    set(durability);
    begin.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      if (database.isTransaction) rollback.run();
      throw error;
    }
  };
}
