import type { Wei } from "../protocol/brand.ts";
import { wei } from "../protocol/brand.ts";
import { isUnsettled } from "./confirmationRows.ts";
import { type PruneOrder, pruneSettled } from "./pruneSettled.ts";
import type { Row } from "./rows.ts";
import { one, run, type Store, statement, together, type Work } from "./work.ts";

/** The journal at a glance. */
export type Figures = {
  readonly openTasks: number;
  /** Signed, and not final yet. */
  readonly inFlight: number;
  /** Responses that wait for a person. */
  readonly held: number;
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
  readonly figures: () => Promise<Figures>;
  /**
   * About what was signed to be paid since then, less what will never be; a few wei off. It reads every confirmation since
   * then: a daemon that runs asks its ledger.
   *
   * @param since Milliseconds since 1970.
   */
  readonly paid: (since: number) => Promise<Wei>;
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
  /**
   * What tells this journal, and its copies, from all others; the same in what is restored from a copy.
   * @param fresh What it is from then on, where nobody asked before.
   */
  readonly identity: (fresh: string) => Promise<string>;
  /** Copies the journal, while it is in use, to a file that does not exist yet. */
  readonly backup: (path: string) => Promise<void>;
};

/** What the kind of database decides: how space is given back, and how a copy is made. */
export type Upkeep = Pick<UpkeepJournal, "compact" | "backup">;

function* readIdentity(): Work<string | undefined> {
  return (yield* one("SELECT value FROM meta WHERE key = 'identity'"))?.value as string | undefined;
}

const countOf = (row: Row | undefined): number => Number(row?.count ?? 0);

export function upkeepJournal({ read, write }: Store): Omit<UpkeepJournal, keyof Upkeep> {
  return {
    figures: () =>
      read(function* () {
        const [openTasks, inFlight, held] = yield* together<Row | undefined>([
          statement.one("SELECT count(*) AS count FROM tasks WHERE state = 'open'"),
          statement.one(confirmationsInFlight),
          statement.one(heldResponses),
        ]);
        return { openTasks: countOf(openTasks), inFlight: countOf(inFlight), held: countOf(held) };
      }),

    paid: (since) =>
      read(function* () {
        const paid = yield* one(
          `SELECT coalesce(sum(CAST(payment AS DOUBLE PRECISION)), 0) AS wei FROM confirmations
           WHERE admitted_at >= ? AND state IN ('signed', 'broadcast', 'mined', 'final')`,
          since,
        );
        return wei(BigInt(Math.round(Number(paid?.wei ?? 0))));
      }),

    digest: (since, until) =>
      read(function* () {
        const [rows = [], kinds = [], gas = []] = yield* together<readonly Row[]>([
          statement.all(
            "SELECT state, payment, offered FROM confirmations WHERE admitted_at >= ? AND admitted_at < ?",
            since,
            until,
          ),
          statement.all(
            `SELECT kind, count(*) AS count FROM verdicts v
             WHERE v.id IN (SELECT max(id) FROM verdicts WHERE decided_at >= ? AND decided_at < ? GROUP BY task, response)
             GROUP BY kind`,
            since,
            until,
          ),
          statement.all("SELECT wei FROM gas_costs WHERE at >= ? AND at < ?", since, until),
        ]);
        const paying = rows.filter(({ state }) => ["signed", "broadcast", "mined", "final"].includes(state as string));
        const sum = (amounts: readonly bigint[]) => wei(amounts.reduce((total, each) => total + each, 0n));
        const ended = (...states: readonly string[]) =>
          rows.filter(({ state }) => states.includes(state as string)).length;
        const verdicts = (kind: string) => countOf(kinds.find((row) => row.kind === kind));
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
      }),

    noteSettled: (now) =>
      write(function* () {
        yield* run(`UPDATE tasks SET settled_since = NULL
                    WHERE settled_since IS NOT NULL AND state IN ('open', 'vanished')`);
        const noted = yield* run(
          `UPDATE tasks SET settled_since = ?
           WHERE settled_since IS NULL AND pruned_at IS NULL AND state IN ('closed', 'ignored')`,
          now,
        );
        return Number(noted);
      }),

    prune: (order) => write(() => pruneSettled(order)),

    identity: async (fresh) =>
      (await read(readIdentity)) ??
      (await write(function* () {
        yield* run("INSERT INTO meta (key, value) VALUES ('identity', ?) ON CONFLICT (key) DO NOTHING", fresh);
        return (yield* readIdentity()) ?? fresh;
      })),
  };
}

const confirmationsInFlight = `
  SELECT count(*) AS count FROM confirmations WHERE ${isUnsettled} AND state <> 'intended'`;

// From the open tasks, which are few, to their verdicts.
const heldResponses = `
  SELECT count(*) AS count FROM tasks t CROSS JOIN verdicts v
  WHERE v.task = t.task AND v.kind = 'hold' AND t.state = 'open'
    AND v.id = (SELECT max(w.id) FROM verdicts w WHERE w.task = v.task AND w.response = v.response)
    AND NOT EXISTS (SELECT 1 FROM confirmations c WHERE c.task = v.task AND c.state NOT IN ('rejected', 'cancelled'))
    AND NOT EXISTS (SELECT 1 FROM held_answers a WHERE a.verdict_id = v.id)`;
