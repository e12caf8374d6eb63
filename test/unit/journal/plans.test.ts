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

/** Every statement that the daemon ever asks a journal, and the database to explain them by. */
async function everyStatement() {
  const prepare = vi.spyOn(DatabaseSync.prototype, "prepare");
  place = sqlitePlace();
  const journal = await place.open();
  for (const call of everyMethod) await answerOf(journal, call);
  const statements = [...new Set(prepare.mock.calls.map(([text]) => text.trim()))].filter(
    (text) => /^(SELECT|INSERT|UPDATE|DELETE|WITH)/.test(text) && !/sqlite_schema/.test(text),
  );
  expect(statements.length).toBeGreaterThan(60);
  return { journal, statements, database: prepare.mock.contexts[0] as DatabaseSync };
}

it("reads no table that grows from its beginning to its end, whatever the daemon asks of it", async () => {
  const { journal, statements, database } = await everyStatement();
  const scans = statements
    .filter((text) => !asked.test(text))
    .flatMap((text) => {
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${text}`).all() as { detail: string }[];
      return plan.map(({ detail }) => ({ detail, text }));
    })
    .filter(({ detail }) => detail.startsWith("SCAN") && !small.some((each) => each.test(detail)));
  await journal.close();
  expect(scans).toEqual([]);
});

/** What SQLite makes of `state IN ('one', 'two', 'three')`. */
const listOfWords = "k(1,B)";

it("builds no table of a list anew for each row that it writes", async () => {
  const { journal, statements, database } = await everyStatement();
  const built = statements
    .filter((text) => /^(INSERT|UPDATE)/.test(text))
    .flatMap((text) => {
      const program = database.prepare(`EXPLAIN ${text}`).all() as {
        addr: number;
        opcode: string;
        p4: string | null;
      }[];
      const triggersFrom = program.findIndex(({ addr }, at) => at > 0 && addr === 0);
      // What belongs to the statement is built once: a constraint and an index have no such guard, and a trigger has it anew each time.
      return program.flatMap(({ opcode, p4 }, at) => {
        const isOnce = program[at - 1]?.opcode === "Once" && (triggersFrom === -1 || at < triggersFrom);
        return opcode === "OpenEphemeral" && p4 === listOfWords && !isOnce ? [text] : [];
      });
    });
  await journal.close();
  expect(built).toEqual([]);
});
