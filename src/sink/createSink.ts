import {
  catchError,
  concat,
  concatMap,
  connect,
  defer,
  EMPTY,
  filter,
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
import type { AccountAddress } from "../protocol/brand.ts";
import { batchWhileBusy } from "../rx/batchWhileBusy.ts";
import { coalesceByKey } from "../rx/coalesceByKey.ts";
import type { AdmitDeps } from "./admit.ts";
import { admitWaiting } from "./admitWaiting.ts";
import { createGapFiller } from "./fillGaps.ts";
import { createGasFigure } from "./gasFigure.ts";
import { createGuard, type GuardOptions, unlimited } from "./guardrails/guard.ts";
import { createRunway } from "./guardrails/runway.ts";
import { headCache } from "./headCache.ts";
import { createLane } from "./lane.ts";
import { signerOf } from "./signerOf.ts";
import type { Sink } from "./sinkPort.ts";
import { createStrangers, type ForeignPending } from "./strangers.ts";
import { type TrackDeps, trackRound } from "./track.ts";
import { createWaitingRoom } from "./waitingRoom.ts";

export type SinkDeps = Omit<AdmitDeps, "now" | "guard" | "strangers" | "gasFigure"> &
  Pick<TrackDeps, "report"> & {
    readonly clock: Clock;
    /** The ceilings that a policy's file gives, by the policy's name. @default none */
    readonly capsOf?: (policy: string) => PolicyCaps | undefined;
  };

export type SinkOptions = Pick<TrackDeps, "rebroadcastAfterMs" | "replaceAfterBlocks" | "answers"> & {
  /** Signed confirmations without a receipt, at the most. */
  readonly maxInFlight: number;
  /** @default no ceilings */
  readonly guardrails?: GuardOptions;
  /** @default "wait" */
  readonly foreignPending?: ForeignPending;
  /** Says so when the balance pays for fewer confirmations than this; 0: never. @default 0 */
  readonly warnBelowConfirmations?: number;
};

/** Milliseconds until an intent that a round has freed is tried again. */
const freedMs = 10_000;

/**
 * The single writer of a key: admits intents in batches, one batch after the other, so that nonces are taken in order;
 * keeps several in flight; and tracks each to finality. Every signed attempt is in the journal before it is sent, and
 * after a restart the same bytes go out again.
 */
export function createSink(deps: SinkDeps, options: SinkOptions): Sink {
  const { journal, clock, report, signer } = deps;
  const { now } = clock;
  const { chain, refresh } = headCache(deps.chain, signer.address, now);
  const lane = createLane();
  const formerSigners = new Map<number, AccountAddress>();
  const gasFigure = createGasFigure(now);
  const guardOptions = options.guardrails ?? unlimited;
  const guard = createGuard({ journal, capsOf: deps.capsOf ?? (() => undefined), now, report }, guardOptions);
  const strangers = createStrangers(signer.address, { foreignPending: options.foreignPending ?? "wait", report });
  const track: TrackDeps = {
    ...deps,
    ...options,
    chain,
    lane,
    formerSigners,
    gasFigure,
    guard,
    strangers,
    now,
  };
  const gaps = createGapFiller();
  const runway = createRunway(track, options.warnBelowConfirmations ?? 0);

  /** Puts what is signed back in flight, and answers the intents that are not. */
  const resume = async (): Promise<readonly Confirmation[]> => {
    const unsettled = await journal.unsettled();
    const signers = await journal.signersInFlight();
    for (const confirmation of unsettled) {
      if (confirmation.state === "intended") continue;
      const signedBy = signers.get(confirmation.id) ?? (await signerOf(confirmation));
      if (signedBy !== undefined && signedBy !== signer.address) formerSigners.set(confirmation.id, signedBy);
      lane.keep(confirmation, { sentAt: undefined });
    }
    return unsettled.filter(({ state }) => state === "intended");
  };

  const watch = async (what: string, look: () => Promise<void>): Promise<void> => {
    try {
      await look();
    } catch (error) {
      if (error instanceof FatalError) throw error;
      report({ type: "retry", what, error, inMs: 0 });
    }
  };
  const round = async (): Promise<readonly Confirmation[]> => {
    await watch("asking whether paying is paused", async () => void (await guard.isPaused()));
    const left = await trackRound(track);
    await watch("looking for gaps", () => gaps.look(track));
    await watch("reading the balance", runway.look);
    return left;
  };
  const rounds$ = merge(
    deps.chain.head$.pipe(tap(refresh)),
    interval(options.rebroadcastAfterMs, clock.scheduler),
  ).pipe(
    map(() => "round" as const),
    coalesceByKey(1, () =>
      defer(round).pipe(
        concatMap((settled) => from(settled)),
        catchError((error) => {
          if (error instanceof FatalError) throw error;
          report({ type: "retry", what: "tracking", error, inMs: 0 });
          return EMPTY;
        }),
      ),
    ),
  );

  const pay = (intents$: Observable<Confirmation>): Observable<Confirmation> =>
    defer(resume).pipe(
      concatMap((resumed) => {
        const ended$ = new ReplaySubject<void>(1);
        const room = createWaitingRoom(clock.scheduler);
        const fresh$ = intents$.pipe(tap({ complete: () => ended$.next() }));
        const resumed$ = guard.resumed$.pipe(tap(room.wake), ignoreElements());
        const again$ = merge(room.due$, resumed$).pipe(takeUntil(ended$));
        const admit$ = admitWaiting(track, {
          maxInFlight: options.maxInFlight,
          ended$,
          later: room.later,
        });
        return merge(from(resumed), fresh$, again$).pipe(
          batchWhileBusy({ limit: Number.POSITIVE_INFINITY, onOverflow: () => undefined }, admit$),
          connect((admitted$) => {
            const drained$ = concat(admitted$.pipe(ignoreElements()), lane.hasRoom$(1));
            return merge(admitted$, rounds$.pipe(takeUntil(drained$)));
          }),
          tap((confirmation) => {
            if (confirmation.state === "intended") room.later({ confirmation, inMs: freedMs });
          }),
          filter(({ state }) => state !== "intended"),
        );
      }),
    );

  return { pay };
}
