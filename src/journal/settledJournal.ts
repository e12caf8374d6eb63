import type { SourceAddress, TaskAddress } from "../protocol/brand.ts";
import { updateAll } from "./groups.ts";
import type { Row } from "./rows.ts";
import { all, type Statement, type Store, statement, together, type Work } from "./work.ts";

/** @param block The one that showed it as over. */
export type SettledTask = { readonly task: TaskAddress; readonly block: bigint };

/** What becomes of a task that one block showed as over. Methods are transactions, as those of `Journal` are. */
export type SettledJournal = {
  /**
   * Tasks that `settleTask` has settled and `settleFinally` has not, by their blocks; those that a confirmation holds are
   * left out; each with the source that the journal has for it. @param range Blocks up to `upTo`, and above `beyond`; after one of
   * them in this order, or from the first on.
   */
  readonly settledTasks: (
    range: { readonly upTo: bigint; readonly beyond: bigint; readonly after: SettledTask | undefined },
    limit: number,
  ) => Promise<readonly (SettledTask & { readonly source: SourceAddress })[]>;
  /**
   * What a final block shows as over is not asked for again; what it does not is open again, and answered. A task that was
   * settled anew meanwhile stays as it is.
   */
  readonly settleFinally: (checked: {
    readonly over: readonly SettledTask[];
    readonly notOver: readonly SettledTask[];
  }) => Promise<readonly TaskAddress[]>;
};

const noConfirmation = `NOT EXISTS (
  SELECT 1 FROM confirmations c WHERE c.task = tasks.task AND c.state NOT IN ('rejected', 'cancelled'))`;

/** A block as text: a node may have said any number, and not every one fits a number here. */
const settledTasks = `
  SELECT task, source, CAST(settled_block AS TEXT) AS block FROM tasks
  WHERE settled_block >= 0 AND (settled_block, task) > (?, ?) AND (settled_block <= ? OR settled_block > ?)
    AND state IN ('closed', 'ignored') AND ${noConfirmation}
  ORDER BY settled_block, task LIMIT ?`;

/** That very settling: it may have been opened, and settled anew, meanwhile. */
const isStillSettled = "task = given.column1 AND settled_block = given.column2 AND state IN ('closed', 'ignored')";
const rowsOf = (settled: readonly SettledTask[]) => settled.map(({ task, block }) => [task, block] as const);

/** Below zero is what a final block shows, too: nobody asks for it again, and a reorg as deep as that opens it yet (`isAbove`). */
const settleForGood = (over: readonly SettledTask[]): readonly Statement[] =>
  updateAll("UPDATE tasks SET settled_block = -1 - settled_block", isStillSettled, ["TEXT", "BIGINT"], rowsOf(over));

/** What was settled above a block, finally or not; its places are given `above`. */
export const isAbove = "(settled_block > ? OR settled_block < ?)";
export const above = (block: bigint) => [block, -1n - block] as const;

const open = ({ task, block }: SettledTask): Statement =>
  statement.all(
    `UPDATE tasks SET state = 'open', reason = '', settled_block = NULL
     WHERE task = ? AND settled_block = ? AND state IN ('closed', 'ignored') AND ${noConfirmation} RETURNING task`,
    task,
    block,
  );

function* settleFinally(over: readonly SettledTask[], notOver: readonly SettledTask[]): Work<TaskAddress[]> {
  yield* together(settleForGood(over));
  const opened = yield* together<readonly Row[]>(notOver.map(open));
  return opened.flat().map(({ task }) => task as TaskAddress);
}

/** What was settled by the word of a block that may be taken back, or that a node made up. */
export function settledJournal({ read, write }: Store): SettledJournal {
  return {
    settledTasks: ({ upTo, beyond, after }, limit) =>
      read(function* () {
        const rows = yield* all(settledTasks, after?.block ?? -1n, after?.task ?? "", upTo, beyond, limit);
        return rows.map(({ task, source, block }) => ({
          task: task as TaskAddress,
          source: source as SourceAddress,
          block: BigInt(block as string),
        }));
      }),

    // It is read again where a power cut takes it back.
    settleFinally: ({ over, notOver }) => write(() => settleFinally(over, notOver), "with the next"),
  };
}
