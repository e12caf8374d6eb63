import type pg from "pg";
import { FatalError, RetryableError } from "../../errors.ts";
import type { Durability } from "../work.ts";
import { unavailable } from "./postgresError.ts";

/** What begins each write, and what proves afterwards whether it happened. */
export type Ledger = {
  /** Begins the transaction and takes the journal's write lock. @throws FatalError if the journal is another daemon's now. */
  readonly begin: (client: pg.ClientBase, durability: Durability) => Promise<void>;
  /** The server has said that the last one is committed. */
  readonly committed: () => void;
  /**
   * Resolves when it is known that the last one was committed, after its answer was lost.
   * @throws RetryableError if it was not, or if that cannot be known; FatalError as `begin`.
   */
  readonly findOut: (cause: unknown) => Promise<void>;
  /**
   * To be asked before a write waits for its turn.
   * @throws RetryableError while it is not known what became of the one before; FatalError for good, as `begin`.
   */
  readonly check: () => void;
};

const writeLock = "SELECT pg_advisory_xact_lock(1869049973, 'meta'::regclass::oid::int)";

const beginning = (durability: Durability): readonly string[] => [
  "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
  // Said each time: a server's own default may promise less.
  `SET LOCAL synchronous_commit = ${durability === "now" ? "on" : "off"}`,
  writeLock,
];

/** For commands beside the daemon. @throws RetryableError `JOURNAL_OUTCOME_UNKNOWN` from `findOut`. */
export const commandLedger = (where: string): Ledger => ({
  begin: async (client, durability) => {
    await inOrder(beginning(durability).map((text) => client.query(text)));
  },
  committed: () => undefined,
  findOut: async (cause) => {
    throw new RetryableError(`the connection to ${where} was lost while something was stored: nobody knows if it was`, {
      code: "JOURNAL_OUTCOME_UNKNOWN",
      remedy: "look whether it happened before you do it again",
      cause,
    });
  },
  check: () => undefined,
});

type LedgerDeps = {
  readonly pool: Pick<pg.Pool, "connect">;
  /** Which holder of the journal this is; the next one's is higher. */
  readonly token: number;
  readonly where: string;
  /** Ends the search for an answer: the journal closes. */
  readonly closed: AbortSignal;
  readonly wait: (ms: number) => Promise<void>;
  /** Told once, when nothing more can be written for good. */
  readonly onLost: (error: FatalError) => void;
};

const retryMs = 1_000;

/**
 * The daemon's ledger: a row of the journal counts its writes, in the transactions themselves. So each write proves that
 * this daemon still holds the journal, and that nothing which was acknowledged is missing; and after a lost answer the
 * row says whether the write happened. To read it the write lock is taken, which the lost transaction holds to its end.
 */
export function holderLedger({ pool, token, where, closed, wait, onLost }: LedgerDeps): Ledger {
  let written = 0;
  let doubt: unknown;

  /** For good: what this daemon remembers is not what the journal has, or the journal is another's. */
  const giveUp = (error: FatalError): FatalError => {
    if (!(doubt instanceof FatalError)) onLost(error);
    doubt = error;
    return error;
  };
  /** @param newest What the row may count at the most: a write more than is known, where the last one's answer was lost. */
  const checkRow = (row: Record<string, unknown> | undefined, newest: number): number => {
    if (Number(row?.token) < token) throw giveUp(lost(where, "all"));
    if (row?.token !== token) throw giveUp(taken(where, newest > written));
    const found = Number(row.written);
    if (found !== written && found !== newest) throw giveUp(lost(where, `${written - found} transactions`));
    return found;
  };
  const readRow = async (): Promise<Record<string, unknown>> => {
    const client = await pool.connect();
    try {
      await inOrder(beginning("now").map((text) => client.query(text)));
      const { rows } = await client.query("SELECT token, written FROM holder");
      await client.query("ROLLBACK");
      client.release();
      return rows[0];
    } catch (error) {
      client.release(true);
      throw error;
    }
  };

  return {
    begin: async (client, durability) => {
      const counted = "UPDATE holder SET written = written + 1 WHERE token = $1 AND written = $2";
      const answers = await inOrder([
        ...beginning(durability).map((text) => client.query(text)),
        client.query({ name: "ledger", text: counted, values: [token, written] }),
      ]);
      if (answers.at(-1)?.rowCount === 1) return;
      const { rows } = await client.query("SELECT token, written FROM holder");
      checkRow(rows[0], written);
      throw new FatalError(`the journal in ${where} does not count its writes`, { code: "JOURNAL_INCONSISTENT" });
    },
    committed: () => {
      written += 1;
    },
    findOut: async (cause) => {
      doubt = cause;
      for (;;) {
        try {
          const found = checkRow(await readRow(), written + 1);
          doubt = undefined;
          if (found === written) throw notStored(where, cause);
          written = found;
          return;
        } catch (error) {
          if (doubt === undefined || error instanceof FatalError) throw error;
          doubt = error;
        }
        if (closed.aborted) throw unavailable(where, doubt);
        await wait(retryMs);
      }
    },
    check: () => {
      if (doubt instanceof FatalError) throw doubt;
      if (doubt !== undefined) throw unavailable(where, doubt);
    },
  };
}

/** The answers of what was sent together; the first failure is the cause of those after it. */
async function inOrder(queries: readonly Promise<pg.QueryResult>[]): Promise<readonly pg.QueryResult[]> {
  const answers = await Promise.allSettled(queries);
  const failed = answers.find((answer) => answer.status === "rejected");
  if (failed) throw failed.reason;
  return answers.map((answer) => (answer as PromiseFulfilledResult<pg.QueryResult>).value);
}

const notStored = (where: string, cause: unknown) =>
  new RetryableError(`the connection to ${where} was lost while something was stored: it was not stored`, {
    code: "JOURNAL_UNAVAILABLE",
    remedy: "it is tried again by itself",
    cause,
  });

/** @param inDoubt The answer to the last write was lost, and the next holder counts its own. */
const taken = (where: string, inDoubt: boolean) => {
  const last = inDoubt ? "whether what was being stored is in it, it alone can tell" : "nothing more was written to it";
  return new FatalError(`another daemon holds the journal in ${where} now: ${last}`, {
    code: "JOURNAL_TAKEN",
    remedy: "let one daemon at a time use a journal",
  });
};

const lost = (where: string, what: string) =>
  new FatalError(`the journal in ${where} has lost ${what} that it had acknowledged to this daemon`, {
    code: "JOURNAL_LOST",
    remedy:
      "the server crashed, or a copy that lagged took its place: start the daemon again, it goes on from what is there",
  });
