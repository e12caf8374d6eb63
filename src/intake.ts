import { concatMap, defer, from, map, type Observable, type OperatorFunction, tap, throttleTime } from "rxjs";
import { createAudit } from "./audit.ts";
import type { ChainPort, Head } from "./chain/chainPort.ts";
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
import { onceMoreAfter } from "./rx/onceMoreAfter.ts";
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

  const begin = async (): Promise<Cursor> => {
    const cursor = await startCursor(chain, options.startBlock);
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
    beginning ??= begin();
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

  const audit = createAudit({ chain, journal, watch, report }, options.maxBlockRange);
  const auditOnce$ = (): Observable<TaskAddress> =>
    defer(() => {
      const rewindsBefore = rewinds;
      return pump$(audit.steps, async ({ events, end }) => {
        const facts = await watch.resolve(events);
        await audit.complain(facts, end);
        // The mark may stand lower by now, and this be of the branch that is gone.
        if (rewinds !== rewindsBefore) return [];
        return store("audit", { ...facts, touched: [], audited: { number: end.number, hash: end.hash } });
      });
    }).pipe(again("audit"));

  const untold = createUntoldFinds({ journal, watch });
  const storeFound = async ({ isNews, ...found }: SweepStep): Promise<readonly TaskAddress[]> => {
    await untold.note(isNews ? found : { ...found, tasks: [] });
    return store("sweep", { ...found, isState: true });
  };

  async function* sweepRound(): AsyncGenerator<SweepStep, void> {
    watch.forget();
    const since = (await begun()).number;
    const late = await untold.count(since);
    if (late.tasks + late.responses > 0) report({ type: "missed", via: "sweep", ...late });
    yield* sweep.round(since);
    untold.endRound((await chain.head()).number);
  }

  const reconcileOnce$ = (): Observable<TaskAddress> =>
    pump$(sweepRound, storeFound).pipe(tap({ error: sweep.forget }), again("reconcile"));

  return {
    live,
    // Once more, where no other head comes: whoever told of this one may have had it before the node that is read.
    scan: (heads$) => heads$.pipe(onceMoreAfter(lateMs, clock.scheduler), oneAtATime(scanOnce$)),
    audit: (heads$) => heads$.pipe(throttleTime(options.auditEveryMs, clock.scheduler), oneAtATime(auditOnce$)),
    reconcile: oneAtATime(reconcileOnce$),
  };
}

async function startCursor(chain: ChainPort, startBlock: IntakeOptions["startBlock"]): Promise<Cursor> {
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
  return { number: block.number, hash: block.hash };
}

/** Works at most once at a time, and once more if it was called meanwhile. */
const oneAtATime =
  <T>(work: () => Observable<TaskAddress>): OperatorFunction<T, TaskAddress> =>
  (trigger$) =>
    trigger$.pipe(
      map(() => "once" as const),
      coalesceByKey(1, work),
    );
