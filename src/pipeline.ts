import { catchError, defer, EMPTY, merge, mergeMap, type Observable, of, Subject, takeUntil, tap } from "rxjs";
import type { ChainPort } from "./chain/chainPort.ts";
import type { Clock } from "./clock.ts";
import type { Intakes } from "./intake.ts";
import type { Confirmation } from "./journal/journal.ts";
import type { Judged } from "./judgeTask.ts";
import type { TaskAddress } from "./protocol/brand.ts";
import type { Reporter } from "./report.ts";
import { coalesceByKey } from "./rx/coalesceByKey.ts";
import { type Wake, wakeByKey } from "./rx/wakeByKey.ts";
import type { Sink } from "./sink/sinkPort.ts";

export type PipelineDeps = {
  readonly chain: Pick<ChainPort, "head$" | "liveEvents$">;
  readonly intakes: Intakes;
  /** When to reconcile with the chain's state: at once, then by the schedule. */
  readonly sweep$: Observable<unknown>;
  /** Tasks to look at again although nothing happened on chain. */
  readonly revisits$?: Observable<TaskAddress>;
  readonly judge: (task: TaskAddress) => Promise<Judged>;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly report: Reporter;
  /** Ends the intake; the pipe completes when the sink has settled what it signed. */
  readonly stop$: Observable<unknown>;
  /** Tasks that are judged at the same time. */
  readonly concurrency: number;
};

const retryMs = 5_000;

/**
 * The whole flow. Events say where to look; the chain's state is what is judged; the journal stands between any two steps.
 *
 * ```
 *  logs over WebSocket ─┐
 *  scanner over HTTP  ──┼─► intake ─► judge: snapshot, payload, policy, verdict ─► sink ─► settled confirmations
 *  reconcile sweep   ───┘                     ▲───────── look again ─────────┘
 * ```
 */
export function createPipeline(deps: PipelineDeps): Observable<Confirmation> {
  const { chain, intakes, sweep$, revisits$ = EMPTY, judge, sink, clock, report, stop$, concurrency } = deps;
  const again$ = new Subject<Wake<TaskAddress>>();

  const found$ = merge(
    chain.liveEvents$.pipe(intakes.live),
    chain.head$.pipe(intakes.scan),
    chain.head$.pipe(intakes.audit),
    sweep$.pipe(intakes.reconcile),
    revisits$,
  );
  const due$ = again$.pipe(wakeByKey(clock.scheduler));

  const intents$ = merge(found$, due$).pipe(
    coalesceByKey(concurrency, (task) =>
      defer(() => judge(task)).pipe(
        catchError((error) => {
          report({ type: "retry", what: `task ${task}`, error, inMs: retryMs });
          return of<Judged>({ againInMs: retryMs });
        }),
        mergeMap(({ intent, againInMs }) => {
          if (againInMs !== undefined) again$.next({ key: task, inMs: againInMs });
          return intent === undefined ? EMPTY : of(intent);
        }),
      ),
    ),
    takeUntil(stop$),
  );

  return intents$.pipe(
    sink.pay,
    tap(({ state, task }) => (state === "rejected" || state === "cancelled") && again$.next({ key: task, inMs: 0 })),
  );
}
