import { firstValueFrom, Observable, takeUntil } from "rxjs";
import { describeError, FatalError } from "../errors.ts";
import type { Confirmation } from "../journal/journal.ts";
import { type Admission, admitAll } from "./admit.ts";
import type { Held } from "./guardrails/guard.ts";
import { broadcastAll } from "./send.ts";
import type { TrackDeps } from "./track.ts";
import type { Later } from "./waitingRoom.ts";

export type Waiting = {
  /** Signed confirmations without a receipt, at the most. */
  readonly maxInFlight: number;
  /** Nothing more is admitted: what is not signed stays an intent. */
  readonly ended$: Observable<void>;
  readonly later: (later: Later) => void;
};

/** Admitted in one go, at the most: their reads fit one request. */
const mostTogether = 24;
/** Milliseconds until an intent that had to wait (gas too dear, response gone for the moment) is tried again. */
const postponeMs = 10_000;
/** The same where a ceiling holds it; it may be settled by others meanwhile. */
const heldMs = 60_000;
const retryMs = { first: 500, most: 30_000 };
/** Tries of one admission until it waits longer. */
const patience = 4;

/**
 * Admits what waits, as much together as there is room for, and sends what was signed. What cannot be admitted is tried
 * again later and lets the others pass. Emits what is settled.
 */
export function admitWaiting(
  deps: TrackDeps,
  { maxInFlight, ended$, later }: Waiting,
): (batch: readonly Confirmation[]) => Observable<Confirmation> {
  const { lane, report } = deps;
  const tries = new Map<number, number>();
  const heldBy = new Map<number, string>();

  const retry = (failed: readonly Extract<Admission, { type: "failed" }>[]) => {
    const told = new Set<unknown>();
    for (const { confirmation, error } of failed) {
      const count = (tries.get(confirmation.id) ?? 0) + 1;
      if (count >= patience) {
        tries.delete(confirmation.id);
        deps.guard.leave(confirmation.id);
        report({ type: "postponed", confirmation, reason: describeError(error), forMs: postponeMs });
        later({ confirmation, inMs: postponeMs });
        continue;
      }
      tries.set(confirmation.id, count);
      const inMs = Math.min(retryMs.most, retryMs.first * 2 ** (count - 1));
      if (!told.has(error)) report({ type: "retry", what: "confirmation", error, inMs });
      told.add(error);
      later({ confirmation, inMs });
    }
  };

  const hold = (confirmation: Confirmation, held: Held) => {
    if (heldBy.get(confirmation.id) !== held.cap) report({ type: "held", confirmation, ...held });
    heldBy.set(confirmation.id, held.cap);
    const wait = held.until === undefined ? heldMs : held.until - deps.now();
    later({ confirmation, inMs: Math.min(heldMs, Math.max(1_000, wait)) });
  };

  const admitSome = async (some: readonly Confirmation[]): Promise<readonly Confirmation[]> => {
    let admissions: readonly Admission[];
    try {
      admissions = await admitAll(
        deps,
        some.map(({ id }) => id),
      );
    } catch (error) {
      if (error instanceof FatalError) throw error;
      admissions = some.map((confirmation) => ({ type: "failed", confirmation, error }));
    }
    const signed: Confirmation[] = [];
    const settled: Confirmation[] = [];
    for (const admission of admissions) {
      const { confirmation } = admission;
      if (admission.type !== "failed") tries.delete(confirmation.id);
      if (admission.type !== "held") heldBy.delete(confirmation.id);
      switch (admission.type) {
        case "signed":
          report({ type: "confirmation", confirmation });
          signed.push(confirmation);
          break;
        case "settled":
          report({ type: "confirmation", confirmation });
          settled.push(confirmation);
          break;
        case "postponed":
          report({ type: "postponed", confirmation, reason: admission.reason, forMs: postponeMs });
          later({ confirmation, inMs: postponeMs });
          break;
        case "held":
          hold(confirmation, admission.held);
          break;
        case "paused":
          later({ confirmation, inMs: admission.resumed ? 0 : postponeMs });
          break;
        case "failed":
          break;
        default:
          admission satisfies never;
      }
    }
    retry(admissions.filter((admission) => admission.type === "failed"));
    try {
      await broadcastAll(deps, signed);
    } catch (error) {
      // What is signed is in flight: the tracker sends it again.
      if (error instanceof FatalError) throw error;
      report({ type: "retry", what: "sending", error, inMs: 0 });
    }
    return settled;
  };

  return (batch) =>
    new Observable((subscriber) => {
      const run = async () => {
        let rest = batch.toSorted((a, b) => a.id - b.id);
        while (rest.length > 0 && !subscriber.closed) {
          const room = await firstValueFrom(lane.hasRoom$(maxInFlight).pipe(takeUntil(ended$)), { defaultValue: 0 });
          if (room === 0 || subscriber.closed) return;
          const count = Math.min(room, mostTogether);
          const settled = await admitSome(rest.slice(0, count));
          rest = rest.slice(count);
          for (const confirmation of settled) subscriber.next(confirmation);
        }
      };
      run().then(
        () => subscriber.complete(),
        (error) => subscriber.error(error),
      );
    });
}
