import { merge, type Observable, of, ReplaySubject, type Subscription } from "rxjs";
import type { ChainPort } from "./chain/chainPort.ts";
import { createSweep } from "./chain/sweep.ts";
import type { TaskIndex } from "./chain/taskIndex.ts";
import { createWatch, type WatchOptions } from "./chain/watch.ts";
import type { Clock } from "./clock.ts";
import { createIntakes, type IntakeOptions } from "./intake.ts";
import type { Journal } from "./journal/journal.ts";
import { type JudgeOptions, judgeTask } from "./judgeTask.ts";
import type { PayloadPort } from "./payload/payloadPort.ts";
import { createPipeline } from "./pipeline.ts";
import type { PolicySet } from "./policy/policyPort.ts";
import { type PolicyStore, toStore } from "./policy/policyStore.ts";
import type { Hex } from "./protocol/brand.ts";
import { reopened$ } from "./reopened.ts";
import type { Reporter } from "./report.ts";
import { revisits$ } from "./revisits.ts";
import type { Signer } from "./signer/signerPort.ts";
import { createSink, type SinkOptions } from "./sink/createSink.ts";
import { createDrySink } from "./sink/drySink.ts";
import type { Ledger } from "./sink/guardrails/ledger.ts";
import { openLedger } from "./sink/guardrails/openLedger.ts";
import type { Sink } from "./sink/sinkPort.ts";
import { createStopwatch } from "./stopwatch.ts";

export type DaemonDeps = {
  readonly chain: ChainPort;
  /** Whose tasks there are; the socket's parser drops by it what is certainly foreign. */
  readonly index: TaskIndex;
  readonly journal: Journal;
  /** The keys that share the load; none: decides and journals under `dryRun`, never pays. */
  readonly signers: readonly Signer[];
  readonly payload: PayloadPort;
  /** A set that stays as it is, or a store whose set may change. */
  readonly policies: PolicySet | PolicyStore;
  readonly clock: Clock;
  /** By it is told for how long a look goes on. @default `clock` */
  readonly steady?: Pick<Clock, "now">;
  /** Who holds the keys' leases; different for each daemon that may share the journal. */
  readonly owner?: string;
  readonly report: Reporter;
  /** When to reconcile again, after the first time at the start. */
  readonly sweepTicks$: Observable<unknown>;
};

export type DaemonOptions = {
  readonly chainId: number;
  readonly controller: Hex;
  readonly watch: Omit<WatchOptions, "own"> & { readonly own: boolean };
  readonly intake: IntakeOptions;
  readonly judge: JudgeOptions;
  readonly sink: SinkOptions;
  /** Wei per gas. */
  readonly maxFeePerGas: bigint;
  /** Tasks that are judged at the same time. */
  readonly concurrency: number;
};

export type Daemon = {
  readonly start: () => void;
  /** Ends the intake; the pipe then settles what was signed, and `ended` resolves. */
  readonly stop: () => void;
  /** Drops everything at once. What is signed is in the journal, and goes on at the next start. */
  readonly abort: () => void;
  /** Resolves when the pipe has completed or was aborted; rejects with what made it stop. */
  readonly ended: Promise<void>;
  readonly isRunning: () => boolean;
  /** When the oldest look at a task that still goes on began, by `steady`. */
  readonly oldestLook: () => number | undefined;
  /** What counts against the ceilings now. */
  readonly ledger: () => Promise<Ledger>;
};

/** Joins the rooms: the only place that knows all of them, and the one that subscribes to the pipe. */
export function createDaemon(deps: DaemonDeps, options: DaemonOptions): Daemon {
  const { chain, index, journal, signers, clock, report, sweepTicks$ } = deps;
  const own = options.watch.own ? signers.map(({ address }) => address) : [];
  const watch = createWatch({ chain, journal, index }, { ...options.watch, own });
  const sweep = createSweep({ chain, journal, watch });
  const stop$ = new ReplaySubject<true>(1);
  const looks = createStopwatch(deps.steady ?? clock);
  const ledger = openLedger(journal, clock.now);
  const judging: JudgeOptions = { ...options.judge, ceilings: options.sink.guardrails };
  const pipeline$ = createPipeline({
    chain,
    intakes: createIntakes({ chain, journal, watch, sweep, clock, report }, options.intake),
    sweep$: merge(of("start"), sweepTicks$),
    revisits$: merge(
      revisits$({ chain, journal, policies: toStore(deps.policies) }),
      reopened$({ chain, journal, watch, clock, report }),
    ),
    judge: (task) => looks.during(() => judgeTask({ ...deps, isWatched: watch.isWatched }, judging, task)),
    sink: chooseSink({ ...deps, ledger }, options),
    clock,
    report,
    stop$,
    concurrency: options.concurrency,
  });

  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  let subscription: Subscription | undefined;
  return {
    start: () => {
      subscription ??= pipeline$.subscribe({ error: reject, complete: resolve });
    },
    stop: () => {
      stop$.next(true);
      if (subscription === undefined) resolve();
    },
    abort: () => {
      subscription?.unsubscribe();
      resolve();
    },
    ended,
    isRunning: () => subscription !== undefined && !subscription.closed,
    oldestLook: looks.oldest,
    ledger,
  };
}

function chooseSink(deps: DaemonDeps & Pick<Daemon, "ledger">, options: DaemonOptions): Sink {
  if (deps.signers.length === 0 || options.judge.dryRun) return createDrySink(deps);
  const { chainId, controller, maxFeePerGas, judge } = options;
  const { maxPayment } = judge;
  const { capsOf } = toStore(deps.policies);
  return createSink({ ...deps, chainId, controller, maxFeePerGas, maxPayment, capsOf }, options.sink);
}
