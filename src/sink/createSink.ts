import {
  catchError,
  concat,
  concatMap,
  connect,
  defer,
  EMPTY,
  exhaustMap,
  filter,
  finalize,
  from,
  ignoreElements,
  interval,
  map,
  merge,
  type Observable,
  ReplaySubject,
  takeUntil,
  tap,
} from "rxjs";
import type { Clock } from "../clock.ts";
import { FatalError } from "../errors.ts";
import type { Confirmation } from "../journal/journal.ts";
import type { PolicyCaps } from "../policy/policyPort.ts";
import { batchWhileBusy } from "../rx/batchWhileBusy.ts";
import { coalesceByKey } from "../rx/coalesceByKey.ts";
import type { Signer } from "../signer/signerPort.ts";
import { admitWaiting } from "./admitWaiting.ts";
import { createGasFigure } from "./gasFigure.ts";
import { noCaps } from "./guardrails/caps.ts";
import { createGuard, type GuardOptions, unlimited } from "./guardrails/guard.ts";
import type { Ledger } from "./guardrails/ledger.ts";
import { openLedger } from "./guardrails/openLedger.ts";
import { headCache } from "./headCache.ts";
import { createKeyring, type KeyDeps } from "./keyring.ts";
import type { Sink } from "./sinkPort.ts";
import type { ForeignPending } from "./strangers.ts";
import type { TrackDeps } from "./track.ts";
import { createWaitingRoom } from "./waitingRoom.ts";

export type SinkDeps = Omit<KeyDeps, "now" | "guard" | "gasFigure" | keyof TrackOptions> & {
  /** The keys that share the load. */
  readonly signers: readonly Signer[];
  readonly clock: Clock;
  /** What counts against the ceilings, where others want to see it, too. @default the sink reads the journal itself */
  readonly ledger?: () => Promise<Ledger>;
  /** The ceilings that a policy's file gives, by the policy's name. @default none */
  readonly capsOf?: (policy: string) => PolicyCaps | undefined;
  /** Who holds the keys' leases: different for each daemon that may share the journal. @default "a daemon" */
  readonly owner?: string;
};

type TrackOptions = Pick<
  TrackDeps,
  "rebroadcastAfterMs" | "replaceAfterBlocks" | "askAllUpTo" | "receiptLagMs" | "answers"
>;

export type SinkOptions = TrackOptions & {
  /** Signed confirmations of each key without a receipt, at the most. */
  readonly maxInFlight: number;
  /** @default no ceilings */
  readonly guardrails?: GuardOptions;
  /** @default "wait" */
  readonly foreignPending?: ForeignPending;
  /** Says so when a key's balance pays for fewer confirmations than this; 0: never. @default 0 */
  readonly warnBelowConfirmations?: number;
  /** Milliseconds that a key's lease holds without being renewed. @default 30 s */
  readonly leaseMs?: number;
};

/** Milliseconds until an intent that a round has freed is tried again. */
const freedMs = 10_000;

/**
 * The single writer of its keys: admits intents in batches, several of a key under way at once, which are signed and sent one
 * after the other, so that nonces are taken in order; keeps several in flight for each key; and tracks each to finality. Every
 * signed attempt is in the journal before it is sent, and after a restart the same bytes go out again.
 */
export function createSink(deps: SinkDeps, options: SinkOptions): Sink {
  const { journal, clock, report, signers } = deps;
  const { now } = clock;
  const { leaseMs = 30_000, guardrails = unlimited } = options;
  const accounts = signers.map(({ address }) => address);
  const mayPay = async () => (await journal.openTasks(undefined, 1)).length > 0;
  const { chain, refresh, prepare } = headCache(deps.chain, accounts, now, mayPay);
  const { ledger = openLedger(journal, now), capsOf = () => noCaps } = deps;
  const guard = createGuard({ journal, ledger, capsOf, now, report }, guardrails);
  const shared: KeyDeps = { ...deps, ...options, chain, gasFigure: createGasFigure(now), guard, now };
  const keys = createKeyring(shared, signers, {
    maxInFlight: options.maxInFlight,
    foreignPending: options.foreignPending ?? "wait",
    warnBelowConfirmations: options.warnBelowConfirmations ?? 0,
    owner: deps.owner ?? "a daemon",
    leaseMs,
  });

  const watched = <T>(what: string, work: () => Promise<T>): Observable<T> =>
    defer(work).pipe(
      catchError((error) => {
        if (error instanceof FatalError) throw error;
        report({ type: "retry", what, error, inMs: 0 });
        return EMPTY;
      }),
    );
  const rounds$ = merge(
    deps.chain.head$.pipe(
      tap(({ number }) => {
        void refresh();
        keys.sawBlock(number);
      }),
    ),
    interval(options.rebroadcastAfterMs, clock.scheduler),
  ).pipe(
    map(() => "round" as const),
    coalesceByKey(1, () =>
      concat(
        watched("asking whether paying is paused", guard.isPaused).pipe(ignoreElements()),
        watched("tracking", keys.rounds).pipe(concatMap((settled) => from(settled))),
      ),
    ),
  );
  const leases$ = interval(leaseMs / 3, clock.scheduler).pipe(
    exhaustMap(() => watched("renewing the leases of the keys", keys.renew)),
    ignoreElements(),
  );

  const pay = (intents$: Observable<Confirmation>): Observable<Confirmation> =>
    defer(keys.start).pipe(
      concatMap((resumed) => {
        const ended$ = new ReplaySubject<void>(1);
        const room = createWaitingRoom(clock.scheduler);
        const fresh$ = intents$.pipe(tap({ next: prepare, complete: () => ended$.next() }));
        const resumed$ = guard.resumed$.pipe(tap(room.wake), ignoreElements());
        const again$ = merge(room.due$, resumed$).pipe(takeUntil(ended$));
        const admit$ = admitWaiting({ keys, guard, report, now, ended$, later: room.later });
        return merge(from(resumed), fresh$, again$).pipe(
          batchWhileBusy({ limit: Number.POSITIVE_INFINITY, onOverflow: () => undefined, isPatient: true }, admit$),
          connect((admitted$) => {
            const drained$ = concat(admitted$.pipe(ignoreElements()), keys.drained$);
            return merge(admitted$, merge(rounds$, leases$).pipe(takeUntil(drained$)));
          }),
          tap((confirmation) => {
            if (confirmation.state === "intended") room.later({ confirmation, inMs: freedMs });
          }),
          filter(({ state }) => state !== "intended"),
        );
      }),
      finalize(() => void keys.release().catch(() => undefined)),
    );

  return { pay };
}
