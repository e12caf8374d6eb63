import { backup, DatabaseSync, type StatementSync } from "node:sqlite";
import type { Wei } from "../protocol/brand.ts";
import { wei } from "../protocol/brand.ts";
import { type PruneOrder, pruneSettled } from "./pruneSettled.ts";

/** The journal at a glance. */
export type Figures = {
  readonly openTasks: number;
  /** Signed, and not final yet. */
  readonly inFlight: number;
  /** Responses that wait for a person. */
  readonly held: number;
  /** About what was signed to be paid since the moment that was asked for, less what will never be; a few wei off. */
  readonly paid: Wei;
};

/** What happened in a stretch of time: `[since, until)`, milliseconds since 1970. */
export type Digest = {
  readonly since: number;
  readonly until: number;
  /** Confirmations that were signed then and paid, or may still pay. */
  readonly confirmations: number;
  readonly paid: Wei;
  /** What the clients offered less what was paid, where the offer is known. */
  readonly saved: Wei;
  /** Gas of the nonces taken then; at its worst for those that are not final yet. */
  readonly gas: Wei;
  /** Responses by their newest verdict of that time. */
  readonly approved: number;
  readonly rejected: number;
  readonly held: number;
  /** Confirmations of that time that somebody else made, or that paid nobody, by how they ended. */
  readonly superseded: number;
  readonly failed: number;
  readonly dead: number;
};

/** What housekeeping asks of the journal. Methods are transactions, as those of `Journal` are, but for `backup`. */
export type UpkeepJournal = {
  /** @param since Milliseconds since 1970. */
  readonly figures: (since: number) => Promise<Figures>;
  readonly digest: (since: number, until: number) => Promise<Digest>;
  /**
   * Notes the time for tasks that are closed or ignored and were not so before; forgets it for those that opened again.
   * Answers how many it noted. What is settled for long enough may be pruned.
   */
  readonly noteSettled: (now: number) => Promise<number>;
  /** Forgets the details of at most `limit` tasks; answers how many. See `pruneSettled`. */
  readonly prune: (order: PruneOrder) => Promise<number>;
  /** Gives at most so many free pages back to the disk; answers how many are left. */
  readonly compact: (pages: number) => Promise<number>;
  /** Copies the journal, while it is in use, to a file that does not exist yet. */
  readonly backup: (path: string) => Promise<void>;
};

type Sql = (text: string) => StatementSync;

export function upkeepJournal(sql: Sql, transaction: <T>(work: () => T) => T, database: DatabaseSync): UpkeepJournal {
  const count = (text: string, ...values: readonly number[]): number =>
    Number(Object.values(sql(text).get(...values) ?? { count: 0 })[0]);

  return {
    figures: async (since) => {
      const paid = sql(`
        SELECT total(CAST(payment AS REAL)) AS wei FROM confirmations
        WHERE admitted_at >= ? AND state IN ('signed', 'broadcast', 'mined', 'final')`).get(since);
      return {
        openTasks: count("SELECT count(*) FROM tasks WHERE state = 'open'"),
        inFlight: count("SELECT count(*) FROM confirmations WHERE state IN ('signed', 'broadcast', 'mined')"),
        held: count(heldResponses),
        paid: wei(BigInt(Math.round(Number(paid?.wei ?? 0)))),
      };
    },

    digest: async (since, until) => {
      const rows = sql(`
        SELECT state, payment, offered FROM confirmations WHERE admitted_at >= ? AND admitted_at < ?`).all(
        since,
        until,
      );
      const paying = rows.filter(({ state }) => ["signed", "broadcast", "mined", "final"].includes(state as string));
      const sum = (amounts: readonly bigint[]) => wei(amounts.reduce((total, each) => total + each, 0n));
      const ended = (...states: readonly string[]) =>
        rows.filter(({ state }) => states.includes(state as string)).length;
      const kinds = sql(`
        SELECT kind, count(*) AS count FROM verdicts v
        WHERE v.id IN (SELECT max(id) FROM verdicts WHERE decided_at >= ? AND decided_at < ? GROUP BY task, response)
        GROUP BY kind`).all(since, until);
      const verdicts = (kind: string) => Number(kinds.find((row) => row.kind === kind)?.count ?? 0);
      const gas = sql("SELECT wei FROM gas_costs WHERE at >= ? AND at < ?").all(since, until);
      return {
        since,
        until,
        confirmations: paying.length,
        paid: sum(paying.map(({ payment }) => BigInt(payment as string))),
        saved: sum(
          paying.flatMap(({ payment, offered }) =>
            offered === null ? [] : [BigInt(offered as string) - BigInt(payment as string)],
          ),
        ),
        gas: sum(gas.map((row) => BigInt(row.wei as string))),
        approved: verdicts("confirm"),
        rejected: verdicts("reject"),
        held: verdicts("hold"),
        superseded: ended("superseded"),
        failed: ended("rejected", "cancelled"),
        dead: ended("dead"),
      };
    },

    noteSettled: async (now) =>
      transaction(() => {
        sql(`UPDATE tasks SET settled_since = NULL
             WHERE settled_since IS NOT NULL AND state NOT IN ('closed', 'ignored')`).run();
        const noted = sql(`UPDATE tasks SET settled_since = ?
                           WHERE settled_since IS NULL AND pruned_at IS NULL AND state IN ('closed', 'ignored')`).run(
          now,
        );
        return Number(noted.changes);
      }),

    prune: async (order) => transaction(() => pruneSettled(sql, order)),

    compact: async (pages) => {
      // The pragma takes no parameter, and gives a page back for each row that is read.
      sql(`PRAGMA incremental_vacuum(${Math.trunc(pages)})`).all();
      return count("PRAGMA freelist_count");
    },

    backup: async (path) => {
      // Another connection, and all pages in one step: one snapshot, whatever is written meanwhile.
      const source = new DatabaseSync(database.location() ?? "", { readOnly: true });
      try {
        await backup(source, path, { rate: 2 ** 31 - 1 });
      } finally {
        source.close();
      }
    },
  };
}

const heldResponses = `
  SELECT count(*) FROM verdicts v JOIN tasks t ON t.task = v.task
  WHERE v.kind = 'hold' AND t.state = 'open'
    AND v.id = (SELECT max(w.id) FROM verdicts w WHERE w.task = v.task AND w.response = v.response)
    AND NOT EXISTS (SELECT 1 FROM confirmations c WHERE c.task = v.task AND c.state NOT IN ('rejected', 'cancelled'))
    AND NOT EXISTS (SELECT 1 FROM held_answers a WHERE a.verdict_id = v.id)`;
