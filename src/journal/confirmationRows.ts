import { FatalError } from "../errors.ts";
import { allIn } from "./groups.ts";
import type { Attempt, Confirmation } from "./journal.ts";
import { type Row, toAttempt, toConfirmation } from "./rows.ts";
import { all, statement, together, type Work } from "./work.ts";

const attemptsOf = (id: number) =>
  statement.all("SELECT * FROM attempts WHERE confirmation_id = ? ORDER BY ordinal", id);

/** A row of `confirmations`, with its attempts. */
export function* confirmationOf(row: Row): Work<Confirmation> {
  const [attempts = []] = yield* together<readonly Row[]>([attemptsOf(Number(row.id))]);
  return toConfirmation(row, attempts.map(toAttempt));
}

/** Those that there are, with their attempts, by ID. */
export function* findConfirmations(ids: readonly number[]): Work<ReadonlyMap<number, Confirmation>> {
  const confirmations = allIn("SELECT * FROM confirmations WHERE id", ids);
  const attempts = allIn("SELECT * FROM attempts WHERE confirmation_id", ids, "ORDER BY confirmation_id, ordinal");
  const answers = yield* together<readonly Row[]>([...confirmations, ...attempts]);
  const made = new Map<number, Attempt[]>();
  for (const row of answers.slice(confirmations.length).flat()) {
    const id = Number(row.confirmation_id);
    const before = made.get(id);
    if (before) before.push(toAttempt(row));
    else made.set(id, [toAttempt(row)]);
  }
  const found = new Map<number, Confirmation>();
  for (const row of answers.slice(0, confirmations.length).flat()) {
    const id = Number(row.id);
    found.set(id, toConfirmation(row, made.get(id) ?? []));
  }
  return found;
}

/** In the order of the IDs. @throws FatalError `JOURNAL_INCONSISTENT` if one is missing. */
export function* confirmationsById(ids: readonly number[]): Work<readonly Confirmation[]> {
  const found = yield* findConfirmations(ids);
  return ids.map((id) => {
    const confirmation = found.get(id);
    if (confirmation) return confirmation;
    throw new FatalError(`the journal has no confirmation ${id}`, { code: "JOURNAL_INCONSISTENT" });
  });
}

/** In the very words of the index of those that the sink still works on. */
export const isUnsettled = "(state = 'intended' OR state = 'signed' OR state = 'broadcast' OR state = 'mined')";

/** Those that the sink still works on, oldest first. */
export function* unsettledConfirmations(): Work<readonly Confirmation[]> {
  const unsettled = `SELECT id FROM confirmations WHERE ${isUnsettled} ORDER BY id`;
  return yield* confirmationsById((yield* all(unsettled)).map(({ id }) => Number(id)));
}
