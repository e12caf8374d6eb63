import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, it, vi } from "vitest";
import { answerOf, everyMethod } from "../../support/everyJournalMethod.ts";
import { type JournalPlace, sqlitePlace } from "../../support/journals.ts";

let place: JournalPlace | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await place?.remove();
});

/** What may be read from its beginning to its end: it holds little, or only what is open. */
const small = [
  /^SCAN (given|\d+-ROW VALUES CLAUSE|(\d+ )?CONSTANT ROWS?)$/,
  /^SCAN (pauses|leases|blocks)$/,
  /^SCAN (tasks|t) USING COVERING INDEX tasks_open$/,
  /^SCAN a USING INDEX held_answers_open$/,
  /^SCAN confirmations USING INDEX confirmations_unsettled$/,
];
/** What a person asks for: the record as a whole, or a part of it from one end, as far as it is wanted. */
const asked = /FROM verdicts v LEFT JOIN verdict_facts f/;

it("reads no table that grows from its beginning to its end, whatever the daemon asks of it", async () => {
  const prepare = vi.spyOn(DatabaseSync.prototype, "prepare");
  place = sqlitePlace();
  const journal = await place.open();
  for (const call of everyMethod) await answerOf(journal, call);
  const statements = new Set(prepare.mock.calls.map(([text]) => text.trim()));
  const [database] = prepare.mock.contexts as DatabaseSync[];
  const scans = [...statements]
    .filter(
      (text) => /^(SELECT|INSERT|UPDATE|DELETE|WITH)/.test(text) && !/sqlite_schema/.test(text) && !asked.test(text),
    )
    .flatMap((text) => {
      const plan = database?.prepare(`EXPLAIN QUERY PLAN ${text}`).all() as { detail: string }[];
      return plan.map(({ detail }) => ({ detail, text }));
    })
    .filter(({ detail }) => detail.startsWith("SCAN") && !small.some((each) => each.test(detail)));
  await journal.close();
  expect(statements.size).toBeGreaterThan(60);
  expect(scans).toEqual([]);
});
