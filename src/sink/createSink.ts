import {
  catchError,
  concat,
  concatMap,
  connect,
  defer,
  delay,
  EMPTY,
  filter,
  from,
  ignoreElements,
  interval,
  map,
  merge,
  type Observable,
  of,
  ReplaySubject,
  Subject,
  takeUntil,
  tap,
} from "rxjs";
import type { Clock } from "../clock.ts";
import { describeError, FatalError } from "../errors.ts";
import type { Confirmation } from "../journal/journal.ts";
import type { AccountAddress } from "../protocol/brand.ts";
import { coalesceByKey } from "../rx/coalesceByKey.ts";
import { retryForever } from "../rx/retryForever.ts";
import { type AdmitDeps, admit } from "./admit.ts";
import { createLane } from "./lane.ts";
import { signerOf } from "./signerOf.ts";
import type { Sink } from "./sinkPort.ts";
import { broadcast, type TrackDeps, trackRound } from "./track.ts";

export type SinkDeps = Omit<AdmitDeps, "now"> & Pick<TrackDeps, "report"> & { readonly clock: Clock };

export type SinkOptions = Pick<TrackDeps, "rebroadcastAfterMs"> & {
  /** Signed confirmations without a receipt, at the most. */
  readonly maxInFlight: number;
};

/** Milliseconds until an intent that had to wait (gas too dear, response gone for the moment) is tried again. */
const postponeMs = 10_000;
const retryPause = { firstMs: 500, maxMs: 30_000 };
/** Tries of one admission before it waits behind the others. */
const patience = 4;

/**
 * The single writer of a key: admits intents one by one, so that nonces are taken in order; keeps several in flight; and
 * tracks each to finality. Every signed attempt is in the journal before it is sent, and after a restart the same bytes
 * go out again.
 */
export function createSink(deps: SinkDeps, options: SinkOptions): Sink {
  const { journal, clock, report } = deps;
  const lane = createLane();
  const formerSigners = new Map<number, AccountAddress>();
  const track: TrackDeps = { ...deps, ...options, lane, formerSigners, now: clock.now };

  const admitOne = async (id: number): Promise<readonly Confirmation[]> => {
    const admission = await admit(track, id);
    const { confirmation } = admission;
    if (admission.type === "postponed") {
      report({ type: "postponed", confirmation, reason: admission.reason, forMs: postponeMs });
      return [confirmation];
    }
    report({ type: "confirmation", confirmation });
    if (admission.type === "settled") return [confirmation];
    await broadcast(track, confirmation);
    return [];
  };

  /** Puts what is signed back in flight, and answers the intents that are not. */
  const resume = async (): Promise<readonly Confirmation[]> => {
    const unsettled = await journal.unsettled();
    for (const confirmation of unsettled) {
      if (confirmation.state === "intended") continue;
      const signedBy = await signerOf(confirmation);
      if (signedBy !== undefined && signedBy !== deps.signer.address) formerSigners.set(confirmation.id, signedBy);
      lane.keep(confirmation, { sentAt: undefined });
    }
    return unsettled.filter(({ state }) => state === "intended");
  };

  const rounds$ = merge(deps.chain.head$, interval(options.rebroadcastAfterMs, clock.scheduler)).pipe(
    map(() => "round" as const),
    coalesceByKey(1, () =>
      defer(() => trackRound(track)).pipe(
        concatMap((settled) => from(settled)),
        catchError((error) => {
          if (error instanceof FatalError) throw error;
          report({ type: "retry", what: "tracking", error, inMs: 0 });
          return EMPTY;
        }),
      ),
    ),
  );

  /** Tries a few times, then lets the ones behind it pass: what is wrong may be its own. */
  const admission$ = (confirmation: Confirmation, ended$: Observable<void>): Observable<Confirmation> =>
    defer(() => {
      let tries = 0;
      return defer(() => lane.hasRoom$(options.maxInFlight).pipe(takeUntil(ended$))).pipe(
        concatMap(() => admitOne(confirmation.id)),
        retryForever({
          clock,
          ...retryPause,
          when: (error) => !(error instanceof FatalError) && ++tries < patience,
          onRetry: (error, inMs) => report({ type: "retry", what: "confirmation", error, inMs }),
        }),
        catchError((error) => {
          if (error instanceof FatalError) throw error;
          report({ type: "postponed", confirmation, reason: describeError(error), forMs: postponeMs });
          return of([confirmation]);
        }),
        concatMap((left) => from(left)),
      );
    });

  const pay = (intents$: Observable<Confirmation>): Observable<Confirmation> =>
    defer(resume).pipe(
      concatMap((resumed) => {
        const ended$ = new ReplaySubject<void>(1);
        const unsigned$ = new Subject<Confirmation>();
        const fresh$ = intents$.pipe(tap({ complete: () => ended$.next() }));
        const postponed$ = unsigned$.pipe(delay(postponeMs, clock.scheduler), takeUntil(ended$));
        return merge(from(resumed), fresh$, postponed$).pipe(
          concatMap((confirmation) => admission$(confirmation, ended$)),
          connect((admitted$) => {
            const drained$ = concat(admitted$.pipe(ignoreElements()), lane.hasRoom$(1));
            return merge(admitted$, rounds$.pipe(takeUntil(drained$)));
          }),
          tap((confirmation) => confirmation.state === "intended" && unsigned$.next(confirmation)),
          filter(({ state }) => state !== "intended"),
        );
      }),
    );

  return { pay };
}
