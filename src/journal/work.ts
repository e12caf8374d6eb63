import type { Row } from "./rows.ts";

/** What a statement may be given: text, whole numbers, and nothing. */
export type SqlValue = string | number | bigint | null;

/** One statement, its places written `?` or `?1`, and what is wanted of it: all rows, the first one, or how many changed. */
export type Statement = {
  readonly text: string;
  readonly values: readonly SqlValue[];
  readonly wants: "rows" | "row" | "changes";
};

/** Statements that do not depend on each other's answers, in order: a server is asked all of them at once. */
export type Asked = Statement | readonly Statement[];

/**
 * What a journal does in one transaction, written once for every kind of database: it yields statements and is given their
 * answers. SQLite runs it in one go (`runInSqlite`), PostgreSQL with a wait at each yield (`runInPostgres`). It may be
 * abandoned at any yield; so what it keeps to itself must not outlive it.
 */
export type Work<T> = Generator<Asked, T, unknown>;

/** Where work is done: each is a transaction, and happened whole when its promise resolves. */
export type Store = {
  /** Work that changes nothing. It sees one state of the journal. */
  readonly read: <T>(work: () => Work<T>) => Promise<T>;
  /** @param durability When it must be on the disk. @default "now" */
  readonly write: <T>(work: () => Work<T>, durability?: Durability) => Promise<T>;
};

/**
 * What must be on the disk when its promise resolves, or what may come to it with the next thing that must. A power cut
 * takes transactions back from the newest on, never one without those after it: so what may be lost is what the daemon has
 * read from the chain and would read there again. `on its way`: the same, but something that must will come in a moment, and
 * waits shorter if this goes to the disk meanwhile.
 */
export type Durability = "now" | "with the next" | "on its way";

/** Statements for `together`. */
export const statement = {
  all: (text: string, ...values: readonly SqlValue[]): Statement => ({ text, values, wants: "rows" }),
  one: (text: string, ...values: readonly SqlValue[]): Statement => ({ text, values, wants: "row" }),
  run: (text: string, ...values: readonly SqlValue[]): Statement => ({ text, values, wants: "changes" }),
};

/** All rows of a statement. */
export function* all(text: string, ...values: readonly SqlValue[]): Work<readonly Row[]> {
  return (yield { text, values, wants: "rows" }) as readonly Row[];
}

/** The first row of a statement, where it has one. */
export function* one(text: string, ...values: readonly SqlValue[]): Work<Row | undefined> {
  return (yield { text, values, wants: "row" }) as Row | undefined;
}

/** Carries a statement out; answers how many rows it changed. */
export function* run(text: string, ...values: readonly SqlValue[]): Work<number> {
  return (yield { text, values, wants: "changes" }) as number;
}

/** The answers of several statements, each as it wants it. Cast by who wrote them. */
export function* together<T>(statements: readonly Statement[]): Work<readonly T[]> {
  return statements.length === 0 ? [] : ((yield statements) as readonly T[]);
}

/**
 * Several works that do not touch each other's rows, step by step beside each other: what they ask at the same time a
 * server is asked at once. Answers their results, in order.
 */
export function* inStep<T>(works: readonly Work<T>[]): Work<readonly T[]> {
  const steps = works.map((work) => work.next());
  for (;;) {
    const asked = steps.flatMap((step): Asked => (step.done ? [] : step.value));
    if (asked.length === 0) return steps.map(({ value }) => value as T);
    const answers = (yield asked) as readonly unknown[];
    let at = 0;
    for (const [index, step] of steps.entries()) {
      if (step.done) continue;
      const count = "text" in step.value ? undefined : step.value.length;
      const answer = count === undefined ? answers[at] : answers.slice(at, at + count);
      at += count ?? 1;
      steps[index] = (works[index] as Work<T>).next(answer);
    }
  }
}
