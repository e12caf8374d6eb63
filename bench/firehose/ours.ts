import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { NEVER, type Observable } from "rxjs";
import type { ChainPort } from "../../src/chain/chainPort.ts";
import { createParseMessage, type ParseMessage } from "../../src/chain/fastLogs.ts";
import { createSweep } from "../../src/chain/sweep.ts";
import { createTaskIndex } from "../../src/chain/taskIndex.ts";
import { createWatch } from "../../src/chain/watch.ts";
import { systemClock } from "../../src/clock.ts";
import { createIntakes } from "../../src/intake.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";
import { mainnet } from "../../src/protocol/chains.ts";
import type { ChainEvent } from "../../src/protocol/events.ts";
import { type Feed, ourClient, signer } from "./feed.ts";

/** The daemon's way from a message to the journal: its own parser, filter, intake and a real SQLite file. */
export type Ours = {
  readonly parse: ParseMessage;
  /** Stores what concerns us; answers the tasks to look at. */
  readonly live: (events$: Observable<readonly ChainEvent[]>) => Observable<TaskAddress>;
  readonly lookUps: () => number;
  readonly chain: ChainPort;
  /** Events that were handed over and are not in the journal yet. */
  readonly waiting: () => number;
  readonly handOver: (events: number) => void;
  /** What the journal holds, read from its file. */
  readonly stored: () => { readonly tasks: number; readonly responses: number };
  readonly close: () => Promise<void>;
};

/** @param feed Answers the look-ups that a node would answer. */
export function createOurs(feed: Pick<Feed, "clientOf" | "sourceOfTask">): Ours {
  const directory = mkdtempSync(join(tmpdir(), "confirmd-bench-"));
  const path = join(directory, "journal.sqlite");
  const journal = openSqliteJournal({ path, chainId: mainnet.id });
  const index = createTaskIndex();
  let lookUps = 0;
  const counted = <T>(answer: T): T => {
    lookUps++;
    return answer;
  };
  const answers: Partial<ChainPort> = {
    head$: NEVER,
    liveEvents$: NEVER,
    source: async (address) => counted({ address, client: feed.clientOf(address) }) as never,
    hasAgentAmong: async (client, agents) => counted(client === ourClient && agents.includes(signer)),
    sourceOfTask: async (task) => counted(feed.sourceOfTask(task)),
  };
  const chain = answers as ChainPort;
  const watch = createWatch({ chain, journal, index }, { sources: new Set(), clients: new Set(), own: [signer] });
  let waiting = 0;
  let resolving = 0;
  const intakes = createIntakes(
    {
      chain,
      watch: {
        ...watch,
        resolve: (events) => {
          resolving = events.length;
          return watch.resolve(events);
        },
      },
      journal: {
        ...journal,
        intake: async (batch) => {
          const looks = await journal.intake(batch);
          waiting -= resolving;
          return looks;
        },
      },
      sweep: createSweep({ chain, journal, watch }),
      clock: systemClock,
      report: (report) => {
        if (report.type === "overflow" || report.type === "retry")
          throw new Error(`the benchmark saw ${report.type}`, { cause: "error" in report ? report.error : undefined });
      },
    },
    { startBlock: "head", maxBlockRange: 1_000, rewind: 64, auditEveryMs: 60_000 },
  );
  return {
    parse: createParseMessage(index.isForeign),
    live: intakes.live,
    lookUps: () => lookUps,
    chain,
    waiting: () => waiting,
    handOver: (events) => {
      waiting += events;
    },
    stored: () => {
      const reader = new DatabaseSync(path, { readOnly: true });
      const count = (table: string) => Number(reader.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
      const found = { tasks: count("tasks"), responses: count("responses") };
      reader.close();
      return found;
    },
    close: async () => {
      await journal.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** @throws Error if the journal does not hold exactly what the feed sent of ours. */
export function checkStored(ours: Pick<Ours, "stored">, feed: Pick<Feed, "ourTasks" | "ourResponses">): void {
  const { tasks, responses } = ours.stored();
  if (tasks === feed.ourTasks() && responses === feed.ourResponses()) return;
  const expected = `${feed.ourTasks()} tasks and ${feed.ourResponses()} responses`;
  throw new Error(`the journal holds ${tasks} tasks and ${responses} responses of ours instead of ${expected}`);
}
