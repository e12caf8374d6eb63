import { mostBehind } from "./chain/askTwice.ts";
import type { ChainPort } from "./chain/chainPort.ts";
import { lacksBlock } from "./chain/newestBlock.ts";
import { asksForLess, createRangeWidth } from "./chain/rangeWidth.ts";
import type { Watch } from "./chain/watch.ts";
import type { Cursor, Intake, Journal } from "./journal/journal.ts";
import type { ResponseAddress, SourceAddress, TaskAddress } from "./protocol/brand.ts";
import type { ChainEvent } from "./protocol/events.ts";
import type { Reporter } from "./report.ts";

type AuditDeps = {
  readonly chain: Pick<ChainPort, "head" | "finalBlock" | "block" | "eventsElsewhere">;
  readonly journal: Pick<Journal, "audited" | "cursor" | "knownTasks" | "tasksOfResponses" | "task">;
  readonly watch: Pick<Watch, "agentSetAfter" | "isAlwaysWatched">;
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
   * came by. Who authorised a signer since is known only once this process has read all blocks up to now, whether they were scanned
   * before it began or are still to be: until then nothing is told of what is watched for that alone.
   * @param end The last block of what was read.
   */
  readonly complain: (facts: Pick<Intake, "tasks" | "responses">, end: Cursor) => Promise<void>;
};

/** @param maxBlockRange Blocks that one `eth_getLogs` asks for at most. */
export function createAudit({ chain, journal, watch, report }: AuditDeps, maxBlockRange: number): Audit {
  const width = createRangeWidth(maxBlockRange);
  /** How far below the final block it ends: its endpoint may hang behind that for ever. */
  let below = 0n;
  /** The checkpoint at which this process began. */
  let began: bigint | undefined;
  const late = { tasks: new Map<TaskAddress, Find>(), responses: new Map<ResponseAddress, Find>() };

  /** How many of those that are late were the daemon's when the scanner came by; what cannot be told yet stays. */
  const takeOurs = <T>(finds: Map<T, Find>, end: Cursor, scanned: bigint): number => {
    let ours = 0;
    for (const [found, { source, block, head }] of finds) {
      const isSure = source === undefined || block === undefined || watch.isAlwaysWatched(source);
      const isRead = scanned >= head && (began === undefined || end.number >= began);
      if (!isSure && !isRead) continue;
      finds.delete(found);
      if (isSure || !watch.agentSetAfter(source, block)) ours += 1;
    }
    return ours;
  };

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
      began ??= scanned.number;
      const goal = await goalOf(audited, scanned);
      for (let at = audited.number; at < goal; ) {
        const step = await read(at + 1n, goal);
        if (step === undefined || !(await isSameChain(scanned, step.end))) return;
        yield step;
        at = step.end.number;
      }
    },

    complain: async ({ tasks, responses }, end) => {
      const known = await journal.knownTasks(tasks.map(({ task }) => task));
      const answered = await journal.tasksOfResponses(responses.map(({ response }) => response));
      const answeredIn = new Map(responses.map(({ task, block }) => [task, block]));
      const isNews = known.size < tasks.length || answered.size < responses.length;
      const head = isNews ? (await chain.head()).number : 0n;
      const found = new Map(
        tasks.map(({ task, source, block = answeredIn.get(task) }) => [task, { source, block, head }]),
      );
      for (const [task, find] of found) if (!known.has(task)) late.tasks.set(task, find);
      for (const { response, task, block } of responses)
        if (!answered.has(response))
          late.responses.set(response, found.get(task) ?? { source: (await journal.task(task))?.source, block, head });
      const scanned = (await journal.cursor())?.number ?? 0n;
      const [lateTasks, lateResponses] = [takeOurs(late.tasks, end, scanned), takeOurs(late.responses, end, scanned)];
      if (lateTasks + lateResponses > 0)
        report({ type: "missed", via: "audit", tasks: lateTasks, responses: lateResponses });
    },
  };
}

type Find = {
  readonly source: SourceAddress | undefined;
  readonly block: bigint | undefined;
  /** The head when it was found: whoever is an agent by then was told of up to there. */
  readonly head: bigint;
};
