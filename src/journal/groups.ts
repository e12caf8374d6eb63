import { type SqlValue, type Statement, statement } from "./work.ts";

/** Rows that go in one statement; few sizes, because each is a statement to prepare. */
const sizes = [64, 16, 4, 1] as const;

/** Texts by what they begin with and their size: a long one would be put together, and looked up, each time. */
const texts = new Map<string, Map<number, string>>();
function textOf(start: string, size: number, write: () => string): string {
  const known = texts.get(start) ?? new Map<number, string>();
  texts.set(start, known);
  const text = known.get(size) ?? write();
  known.set(size, text);
  return text;
}

const list = (count: number, of: string): string => Array.from({ length: count }, () => of).join(", ");

/** Cuts a group into pieces of those sizes. */
function exactly<T>(items: readonly T[]): readonly (readonly T[])[] {
  const pieces: (readonly T[])[] = [];
  for (let at = 0; at < items.length; ) {
    const size = sizes.find((each) => each <= items.length - at) ?? 1;
    pieces.push(items.slice(at, at + size));
    at += size;
  }
  return pieces;
}

/** The same in fewer pieces, the last one filled up with its last item: for what may be said twice. */
function filledUp<T>(items: readonly T[]): readonly (readonly T[])[] {
  const pieces: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += sizes[0]) {
    const piece = items.slice(at, at + sizes[0]);
    const size = sizes.findLast((each) => each >= piece.length) ?? sizes[0];
    const last = piece.at(-1) as T;
    pieces.push([...piece, ...Array.from({ length: size - piece.length }, () => last)]);
  }
  return pieces;
}

/** A row each time. @param start Up to `VALUES`; it tells statements apart. @param end After the rows. */
export const insertAll = (start: string, rows: readonly (readonly SqlValue[])[], end = ""): readonly Statement[] =>
  exactly(rows).map((piece) => {
    const row = () => `(${list(piece[0]?.length ?? 0, "?")})`;
    const text = textOf(start, piece.length, () => `${start} VALUES ${list(piece.length, row())} ${end}`);
    return statement.run(text, ...piece.flat());
  });

/**
 * Changes rows of a table, each by values of its own, which the statement knows as `given.column1`, `given.column2` ….
 * @param start From `UPDATE` up to `FROM`; it tells statements apart.
 * @param types Of these values, as both databases call them. @param rows No two of them for one row of the table.
 */
export const updateAll = (
  start: string,
  where: string,
  types: readonly ("BIGINT" | "TEXT")[],
  rows: readonly (readonly SqlValue[])[],
): readonly Statement[] =>
  filledUp(rows).map((piece) => {
    const row = () => `(${types.map((type) => `CAST(? AS ${type})`).join(", ")})`;
    const given = () => `(VALUES ${list(piece.length, row())}) AS given`;
    const text = textOf(start, piece.length, () => `${start} FROM ${given()} WHERE ${where}`);
    return statement.run(text, ...piece.flat());
  });

const idsIn = (start: string, ids: readonly number[], end: string) =>
  filledUp(ids).map((piece) => {
    const text = textOf(start, piece.length, () => `${start} IN (${list(piece.length, "?")}) ${end}`);
    return { text, piece };
  });

/** All rows for these IDs: `IN` and the places go between the two parts of the text. @param start Tells statements apart. */
export const allIn = (start: string, ids: readonly number[], end = ""): readonly Statement[] =>
  idsIn(start, ids, end).map(({ text, piece }) => statement.all(text, ...piece));
