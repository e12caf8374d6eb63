import {
  concatMap,
  connect,
  defer,
  from,
  last,
  map,
  merge,
  type Observable,
  type OperatorFunction,
  switchMap,
  takeUntil,
  tap,
  throttleTime,
  timer,
} from "rxjs";
import { mostBehind } from "./chain/askTwice.ts";
import type { ChainPort, Head } from "./chain/chainPort.ts";
import { lacksBlock } from "./chain/newestBlock.ts";
import { asksForLess, createRangeWidth } from "./chain/rangeWidth.ts";
import { createScanner, type ScanStep } from "./chain/scanner.ts";
import { createProgress } from "./chain/scanProgress.ts";
import type { Sweep, SweepStep } from "./chain/sweep.ts";
import type { Facts, Watch } from "./chain/watch.ts";
import type { Clock } from "./clock.ts";
import { RetryableError } from "./errors.ts";
import type { Cursor, Intake, Journal } from "./journal/journal.ts";
import { lookAhead } from "./lookAt.ts";
import type { TaskAddress } from "./protocol/brand.ts";
import type { ChainEvent } from "./protocol/events.ts";
import type { Reporter, Via } from "./report.ts";
import { batchWhileBusy } from "./rx/batchWhileBusy.ts";
import { coalesceByKey } from "./rx/coalesceByKey.ts";
import { pump$ } from "./rx/pump.ts";
import { retryForever } from "./rx/retryForever.ts";
import { createUntoldFinds } from "./untoldFinds.ts";

type IntakeDeps = {
  readonly chain: ChainPort;
  readonly journal: Journal;
  readonly watch: Watch;
  readonly sweep: Sweep;
  readonly clock: Clock;
  readonly report: Reporter;
};

export type IntakeOptions = {
  /** Blocks that one `eth_getLogs` asks for at most. */
  readonly maxBlockRange: number;
  /** Blocks that the scanner goes back further when a reorg reached below all that it knows. */
  readonly rewind: number;
  /** Where a journal without a checkpoint begins: a block number, or the head. */
  readonly startBlock: bigint | "head";
  /** Milliseconds between two looks of the second pass. */
  readonly auditEveryMs: number;
};

/** The ways in; each answers the open tasks that are worth a look, after the journal has stored why. */
export type Intakes = {
  /** From the socket: fast, and free to lose events. */
  readonly live: OperatorFunction<readonly ChainEvent[], TaskAddress>;
  /** From the checkpoint to each head: complete. It alone moves the checkpoint. */
  readonly scan: OperatorFunction<Head, TaskAddress>;
  /** A slow second pass over final blocks, from another endpoint where there is one: it complains of what was missed. */
  readonly audit: OperatorFunction<Head, TaskAddress>;
  /** By the chain's state, at each tick: recovery, and adoption on the first start. */
  readonly reconcile: OperatorFunction<unknown, TaskAddress>;
};

/** A stretch of the second pass, its last block, and how often the scanner had gone back before it was read. */
type AuditStep = { readonly events: readonly ChainEvent[]; readonly end: Cursor; readonly rewindsBefore: number };

const socketBacklog = 50_000;
/** Milliseconds that a node over HTTP may come to a block later than a socket. */
const lateMs = 10_000;
const nothing: Intake = { tasks: [], responses: [], touched: [] };

export function createIntakes(deps: IntakeDeps, options: IntakeOptions): Intakes {
  const { chain, journal, watch, sweep, clock, report } = deps;

  const again = <T>(what: string) =>
    retryForever<T>({
      clock,
      firstMs: 500,
      maxMs: 30_000,
      onRetry: (error, inMs) => report({ type: "retry", what, error, inMs }),
    });

  const store = async (via: Via, { stored, ...intake }: Intake & Partial<Facts>): Promise<readonly TaskAddress[]> => {
    const looks = await journal.intake(intake);
    stored?.();
    const { tasks, responses, cursor } = intake;
    report({ type: "intake", via, tasks: tasks.length, responses: responses.length, block: cursor?.number });
    return looks;
  };

  const live: Intakes["live"] = batchWhileBusy(
    {
      limit: socketBacklog,
      onOverflow: (events) => report({ type: "overflow", events: events.length }),
      // A response comes with the change of its task's status: one look for both.
      isPatient: true,
    },
    (batches) =>
      defer(async () => {
        const events = batches.flat();
        void lookAhead(deps, events);
        return store("socket", await watch.resolve(events));
      }).pipe(
        again("socket intake"),
        concatMap((tasks) => from(tasks)),
      ),
  );

  const scanner = createScanner(chain, {
    ...options,
    onDeepReorg: ({ number }, rewindTo) => {
      report({ type: "reorg", from: number, rewindTo, deep: true });
      // What a list held was taken for good.
      sweep.forget();
    },
    onHeadBehind: ({ number }, head) => report({ type: "head-behind", checkpoint: number, head }),
  });

  const startCursor = async (): Promise<Cursor> => {
    const { startBlock } = options;
    const head = await chain.head();
    const before = startBlock === "head" ? head.number : startBlock > 0n ? startBlock - 1n : 0n;
    // A head that a node only tells of is none: to begin there would skip whatever lies between.
    const first = before < head.number ? before : head.number;
    const block = await chain.block(first);
    if (block === undefined) {
      throw new RetryableError(`no endpoint has block ${first}, where chain.startBlock (${startBlock}) begins`, {
        code: "NODE_BEHIND",
        remedy:
          "it is asked for again; if it stays, add an endpoint that keeps old blocks to rpc.http, or let it begin later",
      });
    }
    const { number, hash } = block;
    const cursor = { number, hash };
    await store("scanner", { ...nothing, cursor, audited: cursor, blocks: { read: [cursor], forgotten: [] } });
    return cursor;
  };

  let beginning: Promise<Cursor> | undefined;
  /**
   * The checkpoint; on a new journal it is set first, by whichever way in comes first. The sweep must not read the state
   * before: what happens between its reading and a checkpoint that is set later, nobody would see until the next sweep.
   */
  const begun = async (): Promise<Cursor> => {
    const cursor = await journal.cursor();
    if (cursor !== undefined) return cursor;
    beginning ??= startCursor();
    beginning.catch(() => {
      beginning = undefined;
    });
    return beginning;
  };

  let rewinds = 0;
  const storeStep = async (from: Cursor, step: ScanStep): Promise<readonly TaskAddress[]> => {
    const { cursor, events, rewindTo, blocks, forgotten } = step;
    if (rewindTo !== undefined) report({ type: "reorg", from: from.number, rewindTo, deep: false });
    const facts = await watch.resolve(events);
    if (rewindTo !== undefined) rewinds += 1;
    const looks = await store("scanner", { ...facts, cursor, rewindTo, blocks: { read: blocks, forgotten } });
    if (rewindTo !== undefined) watch.rewound();
    return looks;
  };

  async function* stepsFrom(start: Pick<ScanStep, "cursor" | "known">): AsyncGenerator<ScanStep, void> {
    let step = await scanner.step(start);
    while (step !== undefined) {
      yield step;
      step = step.cursor.number < step.head ? await scanner.step(step) : undefined;
    }
  }

  const scanOnce$ = (): Observable<TaskAddress> =>
    defer(async () => {
      const cursor = await begun();
      return { cursor, known: await journal.recentBlocks() };
    }).pipe(
      concatMap((start) => {
        const progress = createProgress(start.cursor.number, clock, report);
        let stored = start.cursor;
        return pump$(
          () => stepsFrom(start),
          async (step) => {
            const tasks = await storeStep(stored, step);
            stored = step.cursor;
            progress(step);
            return tasks;
          },
        ).pipe(tap({ complete: () => report({ type: "scanned", block: stored.number }) }));
      }),
      again("scanner"),
    );

  const auditWidth = createRangeWidth(options.maxBlockRange);
  /** How far below the final block the second pass ends: its endpoint may hang behind that for ever. */
  let auditBelow = 0n;

  /** The next stretch by a second opinion, as wide as that endpoint lets it be; `undefined` where it answers of another block. */
  const auditedFrom = async (first: bigint, goal: bigint) => {
    for (;;) {
      const widest = first - 1n + BigInt(auditWidth.current());
      const upper = widest < goal ? widest : goal;
      try {
        const { events, last } = await chain.eventsElsewhere(first, upper);
        auditWidth.succeeded();
        return last.number === upper ? { events, end: last } : undefined;
      } catch (error) {
        if (lacksBlock(error)) auditBelow = auditBelow === 0n ? mostBehind : 0n;
        if (!(error instanceof Error) || !asksForLess(error.message)) throw error;
        if (!auditWidth.failed(Number(upper - first) + 1)) throw error;
      }
    }
  };

  async function* auditSteps(): AsyncGenerator<AuditStep, void> {
    const rewindsBefore = rewinds;
    const [audited, scanned] = [await journal.audited(), await journal.cursor()];
    if (audited === undefined || scanned === undefined) return;
    const goal = await auditGoal(audited, scanned);
    for (let at = audited.number; at < goal; ) {
      const step = await auditedFrom(at + 1n, goal);
      if (step === undefined || !(await isSameChain(scanned, step.end))) return;
      yield { ...step, rewindsBefore };
      at = step.end.number;
    }
  }

  const storeAudit = async ({ events, end, rewindsBefore }: AuditStep): Promise<readonly TaskAddress[]> => {
    const facts = await watch.resolve(events);
    await complain("audit", facts);
    // The mark may stand lower by now, and this be of the branch that is gone.
    if (rewinds !== rewindsBefore) return [];
    return store("audit", { ...facts, touched: [], audited: { number: end.number, hash: end.hash } });
  };

  const auditOnce$ = (): Observable<TaskAddress> => pump$(auditSteps, storeAudit).pipe(again("audit"));

  /** Blocks of one look, at the most, are those of one request that nobody narrowed: the second pass is slow. */
  const auditGoal = async (audited: Cursor, scanned: Cursor): Promise<bigint> => {
    const final = (await chain.finalBlock(await chain.head())) - auditBelow;
    return [final, scanned.number, audited.number + BigInt(options.maxBlockRange)].reduce((a, b) => (a < b ? a : b));
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

  /** Tells how much of this is news: the ways in that come late should find nothing new. */
  const complain = async (via: Via, { tasks, responses }: Pick<Intake, "tasks" | "responses">): Promise<void> => {
    const known = await journal.knownTasks(tasks.map(({ task }) => task));
    const answered = await journal.tasksOfResponses(responses.map(({ response }) => response));
    const [lateTasks, lateResponses] = [tasks.length - known.size, responses.length - answered.size];
    if (lateTasks + lateResponses > 0) report({ type: "missed", via, tasks: lateTasks, responses: lateResponses });
  };

  const untold = createUntoldFinds(journal);
  const storeFound = async ({ isNews, ...found }: SweepStep): Promise<readonly TaskAddress[]> => {
    await untold.note(isNews ? found : { ...found, tasks: [] });
    return store("sweep", { ...found, isState: true });
  };

  async function* sweepRound(): AsyncGenerator<SweepStep, void> {
    watch.forget();
    const late = await untold.count((await begun()).number);
    if (late.tasks + late.responses > 0) report({ type: "missed", via: "sweep", ...late });
    yield* sweep.round();
    untold.endRound((await chain.head()).number);
  }

  const reconcileOnce$ = (): Observable<TaskAddress> =>
    pump$(sweepRound, storeFound).pipe(tap({ error: sweep.forget }), again("reconcile"));

  /** Works at most once at a time, and once more if it was called meanwhile. */
  const oneAtATime =
    <T>(work: () => Observable<TaskAddress>): OperatorFunction<T, TaskAddress> =>
    (trigger$) =>
      trigger$.pipe(
        map(() => "once" as const),
        coalesceByKey(1, work),
      );

  /** Once more, where no other head comes: whoever told of this one may have had it before the node that is read. */
  const scan: Intakes["scan"] = connect((heads$) => {
    const late$ = heads$.pipe(switchMap(() => timer(lateMs, clock.scheduler)));
    return merge(heads$, late$.pipe(takeUntil(heads$.pipe(last(null, null))))).pipe(oneAtATime(scanOnce$));
  });

  const audit: Intakes["audit"] = (heads$) =>
    heads$.pipe(throttleTime(options.auditEveryMs, clock.scheduler), oneAtATime(auditOnce$));

  return { live, scan, audit, reconcile: oneAtATime(reconcileOnce$) };
}
