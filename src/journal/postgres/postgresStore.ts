import type pg from "pg";
import type { Row } from "../rows.ts";
import type { Asked, Durability, SqlValue, Statement, Store, Work } from "../work.ts";
import { isAnswer, toJournalError, unavailable } from "./postgresError.ts";
import { createPostgresText } from "./postgresText.ts";
import type { Ledger } from "./writeLedger.ts";

type PostgresStoreDeps = {
  /** Clients in pipeline mode, for reads and for writes. */
  readonly reads: Pick<pg.Pool, "connect">;
  readonly writes: Pick<pg.Pool, "connect">;
  /** What proves that a write happened; without one (commands beside the daemon) a lost answer stays unknown. */
  readonly ledger: Ledger;
  /** For people. */
  readonly where: string;
};

type Client = pg.PoolClient;

/**
 * Work in a PostgreSQL database.
 *
 * **One writer at a time, as SQLite has it.** Every write takes one lock of the whole journal (an advisory lock, held to
 * the end of the transaction) before its first statement, and runs at READ COMMITTED: each of its statements sees all that
 * any writer before it has committed, and nobody writes between two of them. So what reads and then writes (fences,
 * nonces, one confirmation per task, pauses, counts) is safe among daemons and commands without a serialization failure to
 * be retried, and is the same reasoning for both databases. What it costs is that writers wait for each other; reads do
 * not. SERIALIZABLE would let unrelated writes overlap, and pay for it with retries of false conflicts in the sink.
 *
 * **A read** sees one snapshot (REPEATABLE READ, READ ONLY).
 *
 * **Durability.** `with the next` commits with `synchronous_commit = off`: the log of the server is in order, so what a
 * crash takes back is never without everything after it. As the server may crash without the daemon, the ledger notices
 * at the next write that something acknowledged is missing, and the daemon stops before it acts on what it remembers.
 *
 * **A commit whose answer is lost** is not reported as failed: the ledger finds out what became of it, however long the
 * server is away, and the promise settles then. Meanwhile other writes fail at once, as a `RetryableError`.
 */
export function postgresStore({ reads, writes, ledger, where }: PostgresStoreDeps): Store {
  const prepared = createPostgresText();
  const ask = (client: Client, asked: Asked) => askPostgres(client, prepared, asked);
  const turns = createTurns();

  const connect = async (pool: Pick<pg.Pool, "connect">): Promise<Client> => {
    try {
      return await pool.connect();
    } catch (cause) {
      throw toJournalError(cause, where);
    }
  };

  const write = async <T>(work: () => Work<T>, durability: Durability): Promise<T> => {
    const client = await connect(writes);
    let result: T;
    try {
      await ledger.begin(client, durability);
      result = await runInPostgres((asked) => ask(client, asked), work());
    } catch (error) {
      await rollBack(client);
      throw toJournalError(error, where);
    }
    try {
      const { command } = await client.query("COMMIT");
      if (command !== "COMMIT") throw new Error(`the server answered COMMIT with ${command}`);
      client.release();
      ledger.committed();
      return result;
    } catch (error) {
      client.release(true);
      if (isAnswer(error) || (error as Error).message.startsWith("the server answered")) {
        throw toJournalError(error, where);
      }
      turns.refuse(unavailable(where, error));
      await ledger.findOut(error);
      return result;
    }
  };

  return {
    read: async (work) => {
      const client = await connect(reads);
      try {
        const began = client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        began.catch(() => undefined);
        const result = await runInPostgres((asked) => ask(client, asked), work());
        // What was read stands; the connection is given back when the transaction is over.
        client.query("COMMIT").then(
          () => client.release(),
          () => client.release(true),
        );
        return result;
      } catch (error) {
        await rollBack(client);
        throw toJournalError(error, where);
      }
    },
    write: async (work, durability = "now") => {
      ledger.check();
      return turns.take(() => write(work, durability));
    },
  };
}

/** A connection that does not even roll back is not used again. */
async function rollBack(client: Client): Promise<void> {
  try {
    await client.query("ROLLBACK");
    client.release();
  } catch {
    client.release(true);
  }
}

/** Does work to its end, with a wait at each statement. @throws what the work throws: also what it was told of. */
async function runInPostgres<T>(ask: (asked: Asked) => Promise<unknown>, work: Work<T>): Promise<T> {
  let step = work.next();
  while (!step.done) {
    let answer: unknown;
    try {
      answer = await ask(step.value);
    } catch (error) {
      step = work.throw(error);
      continue;
    }
    step = work.next(answer);
  }
  return step.value;
}

/** A text of PostgreSQL cannot hold the character NUL, which a stranger's text may. */
const storable = (value: SqlValue): SqlValue =>
  typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\ufffd") : value;

async function askPostgres(
  client: Pick<pg.ClientBase, "query">,
  prepared: ReturnType<typeof createPostgresText>,
  asked: Asked,
): Promise<unknown> {
  const one = async ({ text, values, wants }: Statement): Promise<unknown> => {
    const { rows, rowCount } = await client.query<Row>({ ...prepared(text), values: values.map(storable) });
    return wants === "rows" ? rows : wants === "row" ? rows[0] : (rowCount ?? 0);
  };
  if ("text" in asked) return one(asked);
  // All are sent before the first is answered; after one that fails the server refuses the rest, and says less of why.
  const answers = await Promise.allSettled(asked.map(one));
  const failed = answers.find((answer) => answer.status === "rejected");
  if (failed) throw failed.reason;
  return answers.map((answer) => (answer as PromiseFulfilledResult<unknown>).value);
}

type Turns = {
  /** Does work after all that came before. */
  readonly take: <T>(work: () => Promise<T>) => Promise<T>;
  /** Refuses all that wait for their turn. */
  readonly refuse: (why: unknown) => void;
};

function createTurns(): Turns {
  const waiting: { readonly work: () => Promise<void>; readonly refuse: (why: unknown) => void }[] = [];
  let isBusy = false;
  const next = async () => {
    if (isBusy) return;
    isBusy = true;
    for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) await turn.work();
    isBusy = false;
  };
  return {
    take: (work) =>
      new Promise((resolve, reject) => {
        waiting.push({ work: () => work().then(resolve, reject), refuse: reject });
        void next();
      }),
    refuse: (why) => {
      for (const { refuse } of waiting.splice(0)) refuse(why);
    },
  };
}
