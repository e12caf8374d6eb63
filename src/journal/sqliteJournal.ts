import type { DatabaseSync, StatementSync } from "node:sqlite";
import { FatalError } from "../errors.ts";
import type { AccountAddress, ResponseAddress, SourceAddress, TaskAddress } from "../protocol/brand.ts";
import { toNonce } from "../protocol/brand.ts";
import type {
  Attempt,
  Confirmation,
  ConfirmationChange,
  Cursor,
  Decision,
  Intake,
  Journal,
  TaskState,
} from "./journal.ts";
import { lockJournal } from "./journalLock.ts";
import { checkFence, type Fence, leaseJournal } from "./leaseJournal.ts";
import { openDatabase } from "./openDatabase.ts";
import { openAnswers, policyJournal, recordBasis } from "./policyJournal.ts";
import { type Row, toAttempt, toBlockRef, toConfirmation, toVerdictRecord } from "./rows.ts";
import { reserveGas, settleGas, sinkJournal } from "./sinkJournal.ts";
import { upkeepJournal } from "./upkeepJournal.ts";

export type JournalFile = {
  readonly path: string;
  readonly chainId: number;
  /** For commands beside the daemon: opened without taking it away from the one that holds it. @default false */
  readonly shared?: boolean;
};

/**
 * The embedded journal: one SQLite file in WAL mode with `synchronous = FULL`, but for what is read from the chain and
 * would be read there again (see `Durability`), so that what a method stored is on the disk when it answers. One daemon
 * holds it at a time.
 *
 * @throws RetryableError if another process holds it; ConfigError if it is unusable, newer, or of another chain.
 */
export function openSqliteJournal({ path, chainId, shared = false }: JournalFile): Journal {
  const database = openDatabase(path, chainId);
  let unlock: () => void;
  try {
    unlock = shared ? () => undefined : lockJournal(path);
  } catch (error) {
    database.close();
    throw error;
  }
  const sql = prepareOnce(database);
  // Whoever held a key is gone: it would hold the lock.
  if (!shared) sql("UPDATE leases SET expires_at = 0").run();
  const transaction = transactionsOf(database);

  const confirmationOf = (row: Row): Confirmation =>
    toConfirmation(
      row,
      sql("SELECT * FROM attempts WHERE confirmation_id = ? ORDER BY ordinal").all(Number(row.id)).map(toAttempt),
    );

  const confirmationById = (id: number): Confirmation => {
    const row = sql("SELECT * FROM confirmations WHERE id = ?").get(id);
    if (!row) throw new FatalError(`the journal has no confirmation ${id}`, { code: "JOURNAL_INCONSISTENT" });
    return confirmationOf(row);
  };

  const isOpen = (task: TaskAddress): boolean =>
    sql("SELECT 1 FROM tasks WHERE task = ? AND state = 'open'").get(task) !== undefined;

  const cursorNamed = (name: "scanned" | "audited"): Cursor | undefined => {
    const row = sql("SELECT * FROM cursors WHERE name = ?").get(name);
    return row && toBlockRef(row);
  };

  const moveCursor = (name: "scanned" | "audited", { number, hash }: Cursor) =>
    sql("INSERT OR REPLACE INTO cursors (name, block_number, block_hash) VALUES (?, ?, ?)").run(name, number, hash);

  /** Forgets what was seen above a block; answers the tasks that this opens again. What was signed stays. */
  const rewind = (to: bigint): readonly TaskAddress[] => {
    sql("DELETE FROM blocks WHERE block_number > ?").run(to);
    sql("DELETE FROM responses WHERE seen_block > ?").run(to);
    sql(`UPDATE tasks SET state = 'vanished', reason = 'its block was taken back'
         WHERE seen_block > ? AND task NOT IN (SELECT task FROM confirmations WHERE state NOT IN ('rejected', 'cancelled'))`).run(
      to,
    );
    return sql(`UPDATE tasks SET state = 'open', reason = '', settled_block = NULL
                WHERE state IN ('closed', 'ignored') AND settled_block > ? RETURNING task`)
      .all(to)
      .map(({ task }) => task as TaskAddress);
  };

  const keepBlocks = ({ read, final }: NonNullable<Intake["blocks"]>) => {
    for (const { number, hash } of read) {
      sql("INSERT OR REPLACE INTO blocks (block_number, block_hash) VALUES (?, ?)").run(number, hash);
    }
    sql("DELETE FROM blocks WHERE block_number < ?").run(final);
  };

  /** What is in flight is its key's: whoever does not hold the key changes nothing about it. */
  const checkHolder = (id: number, fences: readonly Fence[]) => {
    const row = sql(`SELECT a.signer FROM confirmations c JOIN attempts a ON a.confirmation_id = c.id
                     WHERE c.id = ? AND c.state IN ('signed', 'broadcast', 'mined') ORDER BY a.ordinal DESC LIMIT 1`);
    const signer = row.get(id)?.signer;
    if (typeof signer === "string") checkFence(sql, signer as AccountAddress, fences);
  };

  const recordAttempt = (
    id: number,
    signer: AccountAddress,
    attempt: Attempt,
    fences: readonly Fence[],
  ): Confirmation => {
    const { kind, hash, raw, nonce, signedAt, maxCost } = attempt;
    checkFence(sql, signer, fences);
    const before = confirmationById(id);
    const holder = before.attempts.at(-1)?.signer;
    if (before.state !== "intended" && holder !== undefined && holder !== signer) {
      throw new FatalError(`confirmation ${id} is signed by ${holder}: a signature by ${signer} would pay twice`, {
        code: "NONCE_CONFLICT",
      });
    }
    if (before.state !== "intended" && before.nonce !== nonce) {
      throw new FatalError(`confirmation ${id} holds nonce ${before.nonce}: nonce ${nonce} would pay twice`, {
        code: "NONCE_CONFLICT",
      });
    }
    sql("INSERT OR IGNORE INTO nonces (signer, nonce, confirmation_id) VALUES (?, ?, ?)").run(signer, nonce, id);
    const owner = sql("SELECT confirmation_id FROM nonces WHERE signer = ? AND nonce = ?").get(signer, nonce);
    if (owner?.confirmation_id !== id) {
      throw new FatalError(`nonce ${nonce} of ${signer} belongs to confirmation ${owner?.confirmation_id}`, {
        code: "NONCE_CONFLICT",
      });
    }
    sql(
      "INSERT INTO attempts (hash, confirmation_id, ordinal, kind, nonce, raw, signed_at, signer) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    ).run(hash, id, before.attempts.length, kind, nonce, raw, signedAt, signer);
    if (before.state === "intended") sql("UPDATE confirmations SET admitted_at = ? WHERE id = ?").run(signedAt, id);
    if (maxCost !== undefined) reserveGas(sql, signer, nonce, maxCost, signedAt);
    sql("UPDATE confirmations SET state = 'signed', nonce = ?, reason = '' WHERE id = ?").run(nonce, id);
    const { maxCost: _, ...stored } = attempt;
    return { ...before, state: "signed", nonce, reason: "", attempts: [...before.attempts, { ...stored, signer }] };
  };

  const changeConfirmation = (
    id: number,
    { state, reason, mined, gasPaid }: ConfirmationChange,
    fences: readonly Fence[],
  ): Confirmation => {
    checkHolder(id, fences);
    sql("UPDATE confirmations SET state = ?, reason = ?, mined_hash = ?, mined_block = ? WHERE id = ?").run(
      state,
      reason ?? "",
      mined?.hash ?? null,
      mined?.blockNumber ?? null,
      id,
    );
    if (gasPaid) settleGas(sql, gasPaid.signer, gasPaid.nonce, gasPaid.cost);
    const after = confirmationById(id);
    if (state === "final" || state === "superseded") {
      sql("UPDATE tasks SET state = 'closed', reason = ? WHERE task = ?").run(state, after.task);
    }
    return after;
  };

  return {
    ...policyJournal(sql, transaction),
    ...sinkJournal(sql, transaction),
    ...leaseJournal(sql, transaction),
    ...upkeepJournal(sql, transaction, database),

    cursor: async () => cursorNamed("scanned"),
    audited: async () => cursorNamed("audited"),
    recentBlocks: async () => sql("SELECT * FROM blocks ORDER BY block_number DESC").all().map(toBlockRef),

    intake: async ({ tasks, responses, touched, cursor, blocks, rewindTo, audited }) =>
      transaction(
        () => {
          const looks = new Set<TaskAddress>(touched);
          // The scanner's word on where a thing stands replaces the socket's, which may have told of a branch that is gone.
          const isCanonical = cursor !== undefined || audited !== undefined;
          if (rewindTo !== undefined) for (const task of rewind(rewindTo)) looks.add(task);
          for (const { task, source, block = null } of tasks) {
            const stored = sql(`
            INSERT INTO tasks (task, source, seen_block) VALUES (?, ?, ?)
            ON CONFLICT (task) DO UPDATE SET
              state = iif(state = 'vanished', 'open', state),
              reason = iif(state = 'vanished', '', reason),
              seen_block = excluded.seen_block
            WHERE state = 'vanished' OR (? AND seen_block IS NOT excluded.seen_block)`).run(
              task,
              source,
              block,
              +isCanonical,
            );
            if (stored.changes) looks.add(task);
          }
          for (const { response, task, block = null } of responses) {
            const stored = sql(`
            INSERT INTO responses (response, task, seen_block) VALUES (?, ?, ?)
            ON CONFLICT (response) DO UPDATE SET seen_block = excluded.seen_block, task = excluded.task
            WHERE ? AND seen_block IS NOT excluded.seen_block`);
            if (!stored.run(response, task, block, +isCanonical).changes) continue;
            sql("UPDATE tasks SET state = 'open', reason = '' WHERE task = ? AND state = 'vanished'").run(task);
            looks.add(task);
          }
          if (blocks) keepBlocks(blocks);
          if (cursor) moveCursor("scanned", cursor);
          if (audited) moveCursor("audited", audited);
          return [...looks].filter(isOpen);
        },
        [cursor, audited, rewindTo].some((each) => each !== undefined) ? "now" : "with the next",
      ),

    knownTasks: async (tasks) =>
      new Set(tasks.filter((task) => sql("SELECT 1 FROM tasks WHERE task = ?").get(task) !== undefined)),

    tasksOfResponses: async (responses) => {
      const found = new Map<ResponseAddress, TaskAddress>();
      for (const response of responses) {
        const row = sql("SELECT task FROM responses WHERE response = ?").get(response);
        if (row) found.set(response, row.task as TaskAddress);
      }
      return found;
    },

    openTasks: async (after, limit) =>
      sql("SELECT task FROM tasks WHERE state = 'open' AND task > ? ORDER BY task LIMIT ?")
        .all(after ?? "", limit)
        .map((row) => row.task as TaskAddress),

    untold: async ({ tasks, responses }) => {
      const task = sql("SELECT 1 FROM tasks WHERE task = ? AND seen_block IS NULL");
      const response = sql(`SELECT 1 FROM responses r JOIN tasks t USING (task)
                            WHERE r.response = ? AND r.seen_block IS NULL AND t.seen_block IS NOT NULL`);
      return {
        tasks: tasks.filter((each) => task.get(each)).length,
        responses: responses.filter((each) => response.get(each)).length,
      };
    },

    task: async (task) => {
      const row = sql("SELECT * FROM tasks WHERE task = ?").get(task);
      if (!row) return undefined;
      const verdicts = sql(`
        SELECT v.*, (SELECT count(*) FROM verdicts w
                     WHERE w.task = v.task AND w.response = v.response AND w.kind = 'wait'
                       AND w.waits_for IS NOT 'window') AS waits
        FROM verdicts v WHERE v.id IN (SELECT max(id) FROM verdicts WHERE task = ? GROUP BY response) ORDER BY v.id`);
      const reappeared = sql(`
        SELECT r.response FROM responses r
        WHERE r.task = ? AND r.seen_block > (
          SELECT block_number FROM verdicts v WHERE v.task = r.task AND v.response = r.response ORDER BY v.id DESC LIMIT 1)`);
      const holder = sql("SELECT * FROM confirmations WHERE task = ? AND state NOT IN ('rejected', 'cancelled')").get(
        task,
      );
      return {
        task,
        source: row.source as SourceAddress,
        state: row.state as TaskState,
        reason: row.reason as string,
        responses: sql("SELECT response FROM responses WHERE task = ?")
          .all(task)
          .map((each) => each.response as ResponseAddress),
        reappeared: new Set(reappeared.all(task).map((each) => each.response as ResponseAddress)),
        verdicts: verdicts.all(task).map(toVerdictRecord),
        answers: openAnswers(sql, task),
        seenBlock: row.seen_block === null ? undefined : BigInt(row.seen_block as number),
        confirmation: holder && confirmationOf(holder),
      };
    },

    settleTask: async (task, state, reason, atBlock) => {
      sql("UPDATE tasks SET state = ?, reason = ?, settled_block = ? WHERE task = ?").run(state, reason, atBlock, task);
    },

    decide: async (decisions, decidedAt) =>
      transaction(
        () => {
          let intent: Confirmation | undefined;
          for (const decision of decisions) {
            const { lastInsertRowid: verdictId } = sql(`
            INSERT INTO verdicts (task, response, kind, reason, until, policy, policy_digest, mode,
              block_number, block_hash, payload_digest, payment, response_digest, provider, waits_for,
              facts_digest, decided_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
              decision.task,
              decision.response,
              decision.kind,
              decision.reason,
              decision.until ?? null,
              decision.policy,
              decision.policyDigest,
              decision.mode,
              decision.block.number,
              decision.block.hash,
              decision.payloadDigest,
              String(decision.payment),
              decision.responseDigest,
              decision.provider ?? null,
              decision.waitsFor ?? null,
              decision.facts?.digest ?? "",
              decidedAt,
            );
            recordBasis(sql, verdictId, decision);
            if (!isIntent(decision)) continue;
            const { changes, lastInsertRowid } = sql(
              "INSERT OR IGNORE INTO confirmations (task, response, verdict_id, payment, offered, response_digest) VALUES (?, ?, ?, ?, ?, ?)",
            ).run(
              decision.task,
              decision.response,
              verdictId,
              String(decision.payment),
              decision.offered === undefined ? null : String(decision.offered),
              decision.responseDigest,
            );
            if (changes) intent = confirmationById(Number(lastInsertRowid));
          }
          return intent;
        },
        decisions.some(isIntent) ? "with the next" : "now",
      ),

    confirmation: async (id) => confirmationById(id),

    unsettled: async () =>
      sql("SELECT * FROM confirmations WHERE state IN ('intended', 'signed', 'broadcast', 'mined') ORDER BY id")
        .all()
        .map(confirmationOf),

    highestNonce: async (signer) => {
      const row = sql("SELECT max(nonce) AS nonce FROM nonces WHERE signer = ?").get(signer);
      return row?.nonce == null ? undefined : toNonce(Number(row.nonce));
    },

    recordAttempt: async (id, signer, attempt, fences = []) =>
      transaction(() => recordAttempt(id, signer, attempt, fences)),
    recordAttempts: async (attempts, fences = []) =>
      transaction(() =>
        attempts.map(({ confirmationId, signer, attempt }) => recordAttempt(confirmationId, signer, attempt, fences)),
      ),

    changeConfirmation: async (id, change, fences = []) =>
      transaction(() => changeConfirmation(id, change, fences), durabilityOf(change)),
    markBroadcast: async (ids, fences = []) =>
      transaction(
        () =>
          ids.flatMap((id) => {
            checkHolder(id, fences);
            const marked = sql("UPDATE confirmations SET state = 'broadcast' WHERE id = ? AND state = 'signed'").run(
              id,
            );
            return marked.changes ? [confirmationById(id)] : [];
          }),
        "with the next",
      ),
    changeConfirmations: async (changes, fences = []) =>
      transaction(
        () => changes.map(({ id, change }) => changeConfirmation(id, change, fences)),
        changes.every(({ change }) => durabilityOf(change) === "with the next") ? "with the next" : "now",
      ),

    touch: async (now) =>
      transaction(() => void sql("INSERT OR REPLACE INTO meta (key, value) VALUES ('touched', ?)").run(String(now))),

    close: async () => {
      database.close();
      unlock();
    },
  };
}

/** Prepares each statement once: the text is the key. */
function prepareOnce(database: DatabaseSync): (text: string) => StatementSync {
  const prepared = new Map<string, StatementSync>();
  return (text) => {
    const known = prepared.get(text);
    if (known) return known;
    const fresh = database.prepare(text);
    prepared.set(text, fresh);
    return fresh;
  };
}

/**
 * What must be on the disk when its promise resolves, or what may come to it with the next thing that must. A power cut
 * takes transactions back from the newest on, never one without those after it: so what may be lost is what the daemon has
 * read from the chain and would read there again.
 */
type Durability = "now" | "with the next";

/** What it leads to is signed next, and durable with that before anybody hears of it. */
const isIntent = ({ kind, mode }: Decision): boolean => kind === "confirm" && mode === "enforce";

/** Where a transaction stands is read again; that its nonce is given up is not. */
const durabilityOf = ({ state }: ConfirmationChange): Durability =>
  state === "broadcast" || state === "mined" || state === "final" ? "with the next" : "now";

function transactionsOf(database: DatabaseSync): <T>(work: () => T, durability?: Durability) => T {
  let current: Durability = "now";
  const set = (durability: Durability) => {
    if (durability === current) return;
    database.exec(`PRAGMA synchronous = ${durability === "now" ? "FULL" : "NORMAL"}`);
    current = durability;
  };
  return (work, durability = "now") => {
    set(durability);
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    } finally {
      // What is written outside of a transaction of ours is durable at once.
      set("now");
    }
  };
}
