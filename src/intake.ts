import { concatMap, defer, from, map, type Observable, type OperatorFunction } from "rxjs";
import type { ChainPort, Head } from "./chain/chainPort.ts";
import { type ScannerOptions, scanTo$ } from "./chain/scanner.ts";
import type { Sweep } from "./chain/sweep.ts";
import type { Watch } from "./chain/watch.ts";
import type { Clock } from "./clock.ts";
import type { Cursor, Intake, Journal } from "./journal/journal.ts";
import type { TaskAddress } from "./protocol/brand.ts";
import type { ChainEvent } from "./protocol/events.ts";
import type { Reporter, Via } from "./report.ts";
import { batchWhileBusy } from "./rx/batchWhileBusy.ts";
import { coalesceByKey } from "./rx/coalesceByKey.ts";
import { retryForever } from "./rx/retryForever.ts";

export type IntakeDeps = {
  readonly chain: ChainPort;
  readonly journal: Journal;
  readonly watch: Watch;
  readonly sweep: Sweep;
  readonly clock: Clock;
  readonly report: Reporter;
};

export type IntakeOptions = Pick<ScannerOptions, "maxBlockRange" | "rewind"> & {
  /** Where a journal without a checkpoint begins: a block number, or the head. */
  readonly startBlock: bigint | "head";
};

/** The three ways in; each answers the open tasks that are worth a look, after the journal has stored why. */
export type Intakes = {
  /** From the socket: fast, and free to lose events. */
  readonly live: OperatorFunction<readonly ChainEvent[], TaskAddress>;
  /** From the checkpoint to each head: complete. It alone moves the checkpoint. */
  readonly scan: OperatorFunction<Head, TaskAddress>;
  /** By the chain's state, at each tick: recovery, and adoption on the first start. */
  readonly reconcile: OperatorFunction<unknown, TaskAddress>;
};

const socketBacklog = 50_000;

export function createIntakes(deps: IntakeDeps, { maxBlockRange, rewind, startBlock }: IntakeOptions): Intakes {
  const { chain, journal, watch, sweep, clock, report } = deps;

  const again = <T>(what: string) =>
    retryForever<T>({
      clock,
      firstMs: 500,
      maxMs: 30_000,
      onRetry: (error, inMs) => report({ type: "retry", what, error, inMs }),
    });

  const store = async (via: Via, intake: Intake): Promise<readonly TaskAddress[]> => {
    const looks = await journal.intake(intake);
    const { tasks, responses, cursor } = intake;
    report({ type: "intake", via, tasks: tasks.length, responses: responses.length, block: cursor?.number });
    return looks;
  };

  const live: Intakes["live"] = batchWhileBusy(
    { limit: socketBacklog, onOverflow: (events) => report({ type: "overflow", events: events.length }) },
    (batches) =>
      defer(async () => store("socket", await watch.resolve(batches.flat()))).pipe(
        again("socket intake"),
        concatMap((tasks) => from(tasks)),
      ),
  );

  const startCursor = async (head: Head): Promise<Cursor> => {
    const block = startBlock === "head" ? head : await chain.block(startBlock > 0n ? startBlock - 1n : 0n);
    const cursor = { number: (block ?? head).number, hash: (block ?? head).hash };
    await store("scanner", { tasks: [], responses: [], touched: [], cursor });
    return cursor;
  };

  const scanOnce$ = (): Observable<TaskAddress> =>
    defer(async () => {
      const head = await chain.head();
      return { head, cursor: (await journal.cursor()) ?? (await startCursor(head)) };
    }).pipe(
      concatMap(({ head, cursor }) => scanTo$(chain, cursor, head, { maxBlockRange, rewind })),
      concatMap(async ({ events, cursor, rewindTo }) => {
        if (rewindTo !== undefined) report({ type: "reorg", rewindTo });
        return store("scanner", { ...(await watch.resolve(events)), cursor, rewindTo });
      }),
      again("scanner"),
      concatMap((tasks) => from(tasks)),
    );

  const reconcileOnce$ = (): Observable<TaskAddress> =>
    defer(() => {
      watch.forget();
      return sweep.round$();
    }).pipe(
      concatMap((intake) => store("sweep", intake)),
      again("reconcile"),
      concatMap((tasks) => from(tasks)),
    );

  /** Works at most once at a time, and once more if it was called meanwhile. */
  const oneAtATime =
    <T>(work: () => Observable<TaskAddress>): OperatorFunction<T, TaskAddress> =>
    (trigger$) =>
      trigger$.pipe(
        map(() => "once" as const),
        coalesceByKey(1, work),
      );

  return { live, scan: oneAtATime(scanOnce$), reconcile: oneAtATime(reconcileOnce$) };
}
