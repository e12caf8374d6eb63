import type { ResponseAddress, SourceAddress, TaskAddress } from "../protocol/brand.ts";
import { confirmationOf } from "./confirmationRows.ts";
import type { Cursor, Intake, Journal, TaskRecord, TaskState } from "./journal.ts";
import { openAnswers, toHeldAnswer } from "./policyJournal.ts";
import { type Row, toBlockRef, toVerdictRecord } from "./rows.ts";
import { above, isAbove } from "./settledJournal.ts";
import { all, one, run, type Statement, type Store, statement, together, type Work } from "./work.ts";

type IntakeJournal = Pick<
  Journal,
  | "cursor"
  | "audited"
  | "recentBlocks"
  | "intake"
  | "knownTasks"
  | "tasksOfResponses"
  | "openTasks"
  | "untold"
  | "task"
  | "glance"
  | "settleTask"
>;

type CursorName = "scanned" | "audited";

function* cursorNamed(name: CursorName): Work<Cursor | undefined> {
  const row = yield* one("SELECT * FROM cursors WHERE name = ?", name);
  return row && toBlockRef(row);
}

const moveCursor = (name: CursorName, { number, hash }: Cursor): Statement =>
  statement.run(
    `INSERT INTO cursors (name, block_number, block_hash) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET block_number = excluded.block_number, block_hash = excluded.block_hash`,
    name,
    number,
    hash,
  );

/** What the second pass has read of the branch that is gone, it has not read of this one. */
const lowerAudited = ({ number, hash }: Cursor): Statement =>
  statement.run(
    "UPDATE cursors SET block_number = ?, block_hash = ? WHERE name = 'audited' AND block_number > ?",
    number,
    hash,
    number,
  );

/** What becomes of a task whose block a reorg took back: whatever brings it again opens it. */
export const asVanished = "state = 'vanished', reason = 'its block was taken back'";

/** Forgets what was seen above a block; answers the tasks that this opens again. What was signed stays. */
function* rewind(to: bigint): Work<readonly TaskAddress[]> {
  const [, , , opened = []] = yield* together<readonly Row[]>([
    statement.run("DELETE FROM blocks WHERE block_number > ?", to),
    statement.run("DELETE FROM responses WHERE seen_block > ?", to),
    statement.run(
      `UPDATE tasks SET ${asVanished}
       WHERE seen_block > ? AND NOT EXISTS (
         SELECT 1 FROM confirmations c WHERE c.task = tasks.task AND c.state NOT IN ('rejected', 'cancelled'))`,
      to,
    ),
    statement.all(
      `UPDATE tasks SET state = 'open', reason = '', settled_block = NULL
       WHERE state IN ('closed', 'ignored') AND ${isAbove} RETURNING task`,
      ...above(to),
    ),
  ]);
  return opened.map(({ task }) => task as TaskAddress);
}

const keepBlocks = ({ read, forgotten }: NonNullable<Intake["blocks"]>): readonly Statement[] => [
  ...read.map(({ number, hash }) =>
    statement.run(
      `INSERT INTO blocks (block_number, block_hash) VALUES (?, ?)
       ON CONFLICT (block_number) DO UPDATE SET block_hash = excluded.block_hash`,
      number,
      hash,
    ),
  ),
  ...forgotten.map((number) => statement.run("DELETE FROM blocks WHERE block_number = ?", number)),
];

/** What it was ignored for may have followed from the other source. */
const isNewsOfTask = "tasks.state = 'vanished' OR (tasks.state = 'ignored' AND tasks.source <> excluded.source)";

function* intake(batch: Intake): Work<TaskAddress[]> {
  const { tasks, responses, touched, cursor, blocks, rewindTo, audited, isState = false } = batch;
  const looks = new Set<TaskAddress>(touched);
  // The scanner's word on where a thing stands replaces the socket's, which may have told of a branch that is gone.
  const isCanonical = Number(cursor !== undefined || audited !== undefined);
  // So does the state's word on whose it is: a socket may tell anything.
  const isBinding = Number(isCanonical === 1 || isState);
  if (rewindTo !== undefined) for (const task of yield* rewind(rewindTo)) looks.add(task);
  const storedTasks = yield* together<number>(
    tasks.map(({ task, source, block = null }) =>
      statement.run(
        `INSERT INTO tasks (task, source, seen_block) VALUES (?, ?, ?)
         ON CONFLICT (task) DO UPDATE SET
           state = CASE WHEN ${isNewsOfTask} THEN 'open' ELSE tasks.state END,
           reason = CASE WHEN ${isNewsOfTask} THEN '' ELSE tasks.reason END,
           source = excluded.source,
           seen_block = excluded.seen_block
         WHERE tasks.pruned_at IS NULL AND (tasks.state = 'vanished' OR (? = 1 AND tasks.source <> excluded.source)
           OR (? = 1 AND tasks.seen_block IS DISTINCT FROM excluded.seen_block))`,
        ...[task, source, block, isBinding, isCanonical],
      ),
    ),
  );
  for (const [index, { task }] of tasks.entries()) if (storedTasks[index]) looks.add(task);
  const storedResponses = yield* together<number>(
    responses.map(({ response, task, block = null }) =>
      statement.run(
        `INSERT INTO responses (response, task, seen_block) VALUES (?, ?, ?)
         ON CONFLICT (response) DO UPDATE SET seen_block = excluded.seen_block, task = excluded.task
         WHERE (? = 1 AND responses.task <> excluded.task)
           OR (? = 1 AND responses.seen_block IS DISTINCT FROM excluded.seen_block)`,
        ...[response, task, block, isBinding, isCanonical],
      ),
    ),
  );
  const news = responses.filter((_, index) => storedResponses[index]).map(({ task }) => task);
  for (const task of news) looks.add(task);
  yield* together([
    ...news.map((task) =>
      statement.run("UPDATE tasks SET state = 'open', reason = '' WHERE task = ? AND state = 'vanished'", task),
    ),
    ...(blocks ? keepBlocks(blocks) : []),
    ...(cursor ? [moveCursor("scanned", cursor)] : []),
    ...(audited ? [moveCursor("audited", audited)] : []),
    ...(cursor && rewindTo !== undefined ? [lowerAudited(cursor)] : []),
  ]);
  const looked = [...looks];
  const isOpen = "SELECT 1 AS open FROM tasks WHERE task = ? AND state = 'open'";
  const open = yield* together<Row | undefined>(looked.map((task) => statement.one(isOpen, task)));
  return looked.filter((_, index) => open[index] !== undefined);
}

function* taskRecord(task: TaskAddress): Work<TaskRecord | undefined> {
  const row = yield* one("SELECT * FROM tasks WHERE task = ?", task);
  if (!row) return undefined;
  const [verdicts = [], reappeared = [], confirmations = [], responses = [], answers = []] = yield* together<
    readonly Row[]
  >([
    statement.all(
      `SELECT v.*, (SELECT count(*) FROM verdicts w
                    WHERE w.task = v.task AND w.response = v.response AND w.kind = 'wait'
                      AND w.waits_for IS DISTINCT FROM 'window') AS waits,
              (SELECT count(*) FROM verdicts w
                    WHERE w.task = v.task AND w.response = v.response AND w.kind = 'wait' AND w.waits_for = 'window') AS windows
       FROM verdicts v WHERE v.id IN (SELECT max(id) FROM verdicts WHERE task = ? GROUP BY response) ORDER BY v.id`,
      task,
    ),
    statement.all(
      // Where the verdict's block still stands, its node had answered out of a later one. What was to be paid is looked at
      // again in any case: another node may have refused it, for want of that later block.
      `SELECT r.response FROM responses r JOIN verdicts v ON v.id = (
         SELECT max(w.id) FROM verdicts w WHERE w.task = r.task AND w.response = r.response)
       WHERE r.task = ? AND r.seen_block > v.block_number AND (v.kind = 'confirm' OR NOT EXISTS (
         SELECT 1 FROM blocks b WHERE b.block_number = v.block_number AND b.block_hash = v.block_hash))`,
      task,
    ),
    statement.all("SELECT * FROM confirmations WHERE task = ? ORDER BY id", task),
    responsesOf(task),
    openAnswers(task),
  ]);
  const holder = confirmations.find(({ state }) => state !== "rejected" && state !== "cancelled");
  return {
    task,
    source: row.source as SourceAddress,
    state: row.state as TaskState,
    reason: row.reason as string,
    responses: responses.map(addressOf),
    reappeared: new Set(reappeared.map(addressOf)),
    withdrawn: confirmations
      .filter(({ withdrawn }) => Number(withdrawn) === 1)
      .map((row) => ({ response: addressOf(row), responseDigest: row.response_digest as string })),
    verdicts: verdicts.map(toVerdictRecord),
    answers: answers.map(toHeldAnswer),
    seenBlock: row.seen_block === null ? undefined : BigInt(row.seen_block as number),
    confirmation: holder && (yield* confirmationOf(holder)),
  };
}

const holdersOf = (task: TaskAddress) =>
  statement.all("SELECT * FROM confirmations WHERE task = ? AND state NOT IN ('rejected', 'cancelled')", task);
const responsesOf = (task: TaskAddress) =>
  statement.all("SELECT response FROM responses WHERE task = ? ORDER BY response", task);
const addressOf = ({ response }: Row) => response as ResponseAddress;

function* glance(task: TaskAddress): Work<Pick<TaskRecord, "source" | "responses"> | undefined> {
  const [rows = [], holders = [], responses = []] = yield* together<readonly Row[]>([
    statement.all("SELECT source FROM tasks WHERE task = ? AND state = 'open'", task),
    holdersOf(task),
    responsesOf(task),
  ]);
  const [row] = rows;
  if (row === undefined || holders.length > 0) return undefined;
  return { source: row.source as SourceAddress, responses: responses.map(addressOf) };
}

/** Those of a list that a statement finds a row for, with that row. */
function* found<T extends string>(each: readonly T[], text: string): Work<readonly (readonly [T, Row])[]> {
  const rows = yield* together<Row | undefined>(each.map((value) => statement.one(text, value)));
  return each.flatMap((value, index) => {
    const row = rows[index];
    return row ? [[value, row] as const] : [];
  });
}

/** What the ways in and the judge ask of the journal: tasks, responses, and how far the chain was read. */
export function intakeJournal({ read, write }: Store): IntakeJournal {
  return {
    cursor: () => read(() => cursorNamed("scanned")),
    audited: () => read(() => cursorNamed("audited")),
    recentBlocks: () =>
      read(function* () {
        return (yield* all("SELECT * FROM blocks ORDER BY block_number DESC")).map(toBlockRef);
      }),

    intake: (batch) => {
      const { cursor, audited, rewindTo } = batch;
      const isRead = [cursor, audited, rewindTo].some((each) => each !== undefined);
      // A response that comes alone is mostly paid in a moment.
      const unread = batch.responses.length === 1 ? "on its way" : "with the next";
      return write(() => intake(batch), isRead ? "now" : unread);
    },

    knownTasks: (tasks) =>
      read(function* () {
        const known = yield* found(tasks, "SELECT 1 AS known FROM tasks WHERE task = ?");
        return new Set(known.map(([task]) => task));
      }),

    tasksOfResponses: (responses) =>
      read(function* () {
        const rows = yield* found(responses, "SELECT task FROM responses WHERE response = ?");
        return new Map(rows.map(([response, row]) => [response, row.task as TaskAddress]));
      }),

    openTasks: (after, limit) =>
      read(function* () {
        const above = "SELECT task FROM tasks WHERE state = 'open' AND task > ? ORDER BY task LIMIT ?";
        return (yield* all(above, after ?? "", limit)).map((row) => row.task as TaskAddress);
      }),

    untold: ({ tasks, responses }) =>
      read(function* () {
        const untold = yield* found(tasks, "SELECT 1 AS untold FROM tasks WHERE task = ? AND seen_block IS NULL");
        const untoldResponses = yield* found(
          responses,
          `SELECT 1 AS untold FROM responses r JOIN tasks t ON t.task = r.task
           WHERE r.response = ? AND r.seen_block IS NULL AND t.seen_block IS NOT NULL`,
        );
        return { tasks: untold.length, responses: untoldResponses.length };
      }),

    task: (task) => read(() => taskRecord(task)),
    glance: (task) => read(() => glance(task)),

    settleTask: (task, state, reason, atBlock) =>
      write(function* () {
        const settle = "UPDATE tasks SET state = ?, reason = ?, settled_block = ? WHERE task = ?";
        yield* run(settle, state, reason, atBlock, task);
      }),
  };
}
