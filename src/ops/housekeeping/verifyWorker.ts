import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

export type Verification = { readonly rows: number; readonly problem: string | undefined };

/** Tables that a journal without a past has, too; an empty file would pass the rest. */
const needed = ["meta", "cursors", "tasks", "responses", "verdicts", "confirmations", "attempts", "nonces"];

function verify(path: string): Verification {
  const database = new DatabaseSync(path);
  try {
    // One file, without a log beside it: it can be carried about.
    database.exec("PRAGMA journal_mode = DELETE");
    const { integrity_check: verdict } = database.prepare("PRAGMA integrity_check(1)").get() as Record<string, string>;
    if (verdict !== "ok") return { rows: 0, problem: `integrity_check says ${verdict}` };
    const [stray] = database.prepare("PRAGMA foreign_key_check").all() as { table: string }[];
    if (stray !== undefined) return { rows: 0, problem: `a row of ${stray.table} refers to nothing` };
    let rows = 0;
    for (const table of needed) {
      const { count } = database.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number };
      rows += count;
    }
    return { rows, problem: rows === 0 ? "it is empty" : undefined };
  } catch (error) {
    return { rows: 0, problem: (error as Error).message };
  } finally {
    database.close();
  }
}

parentPort?.postMessage(verify((workerData as { path: string }).path));
