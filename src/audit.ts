import { mostBehind } from "./chain/askTwice.ts";
import type { ChainPort } from "./chain/chainPort.ts";
import { lacksBlock } from "./chain/newestBlock.ts";
import { asksForLess, createRangeWidth } from "./chain/rangeWidth.ts";
import type { Watch } from "./chain/watch.ts";
import type { Cursor, Intake, Journal } from "./journal/journal.ts";
import type { TaskAddress } from "./protocol/brand.ts";
import type { ChainEvent } from "./protocol/events.ts";
import type { Reporter } from "./report.ts";

type AuditDeps = {
  readonly chain: Pick<ChainPort, "head" | "finalBlock" | "block" | "eventsElsewhere">;
  readonly journal: Pick<Journal, "audited" | "cursor" | "knownTasks" | "tasksOfResponses">;
  readonly watch: Pick<Watch, "agentSetAfter">;
  readonly report: Reporter;
};

/** A stretch that was read, and its last block. */
type AuditStep = { readonly events: readonly ChainEvent[]; readonly end: Cursor };

/** Reads final blocks once more, by a second opinion, and tells what the scanner had not seen of them. */
type Audit = {
  /** What may be read now, stretch by stretch. */
  readonly steps: () => AsyncGenerator<AuditStep, void>;
  /**
   * Tells how much of this is news: the ways in that come late should find nothing new, but what was foreign when the scanner
   * came by.
   */
  readonly complain: (facts: Pick<Intake, "tasks" | "responses">) => Promise<void>;
};

/** @param maxBlockRange Blocks that one `eth_getLogs` asks for at most. */
export function createAudit({ chain, journal, watch, report }: AuditDeps, maxBlockRange: number): Audit {
  const width = createRangeWidth(maxBlockRange);
  /** How far below the final block it ends: its endpoint may hang behind that for ever. */
  let below = 0n;

  /** The next stretch, as wide as that endpoint lets it be; `undefined` where it answers of another block. */
  const read = async (first: bigint, goal: bigint): Promise<AuditStep | undefined> => {
    for (;;) {
      const widest = first - 1n + BigInt(width.current());
      const upper = widest < goal ? widest : goal;
      try {
        const { events, last } = await chain.eventsElsewhere(first, upper);
        width.succeeded();
        return last.number === upper ? { events, end: last } : undefined;
      } catch (error) {
        if (lacksBlock(error)) below = below === 0n ? mostBehind : 0n;
        if (!(error instanceof Error) || !asksForLess(error.message)) throw error;
        if (!width.failed(Number(upper - first) + 1)) throw error;
      }
    }
  };

  /** Blocks of one look, at the most, are those of one request that nobody narrowed: the second pass is slow. */
  const goalOf = async (audited: Cursor, scanned: Cursor): Promise<bigint> => {
    const final = (await chain.finalBlock(await chain.head())) - below;
    return [final, scanned.number, audited.number + BigInt(maxBlockRange)].reduce((a, b) => (a < b ? a : b));
  };

  /**
   * Whether the second opinion is about what the scanner read. A checkpoint that a reorg took back has blocks before it that
   * the scanner has still to read: they are not missed yet. And two nodes may disagree.
   */
  const isSameChain = async (scanned: Cursor, end: Cursor): Promise<boolean> => {
    const [here, there] = await Promise.all([chain.block(scanned.number), chain.block(end.number)]);
    if (here?.hash !== scanned.hash || there === undefined) return false;
    if (there.hash !== end.hash) report({ type: "disagree", block: end.number, hashes: [there.hash, end.hash] });
    return there.hash === end.hash;
  };

  return {
    async *steps() {
      const [audited, scanned] = [await journal.audited(), await journal.cursor()];
      if (audited === undefined || scanned === undefined) return;
      const goal = await goalOf(audited, scanned);
      for (let at = audited.number; at < goal; ) {
        const step = await read(at + 1n, goal);
        if (step === undefined || !(await isSameChain(scanned, step.end))) return;
        yield step;
        at = step.end.number;
      }
    },

    complain: async ({ tasks, responses }) => {
      const answeredIn = new Map(responses.map(({ task, block }) => [task, block]));
      const foreign = new Set<TaskAddress>();
      for (const { task, source, block = answeredIn.get(task) } of tasks)
        if (block !== undefined && watch.agentSetAfter(source, block)) foreign.add(task);
      const ourTasks = tasks.filter(({ task }) => !foreign.has(task));
      const ourResponses = responses.filter(({ task }) => !foreign.has(task));
      const known = await journal.knownTasks(ourTasks.map(({ task }) => task));
      const answered = await journal.tasksOfResponses(ourResponses.map(({ response }) => response));
      const [lateTasks, lateResponses] = [ourTasks.length - known.size, ourResponses.length - answered.size];
      if (lateTasks + lateResponses > 0)
        report({ type: "missed", via: "audit", tasks: lateTasks, responses: lateResponses });
    },
  };
}
