import { combineLatest, filter, firstValueFrom, map, merge, Observable, Subject, startWith, takeUntil } from "rxjs";
import { describeError, FatalError } from "../errors.ts";
import type { Confirmation } from "../journal/journal.ts";
import type { Reporter } from "../report.ts";
import { type Admission, checkAll, payAll } from "./admit.ts";
import { type Course, createCourses } from "./courses.ts";
import type { Capped, Guard } from "./guardrails/guard.ts";
import type { Key, Keyring } from "./keyring.ts";
import { broadcastAll } from "./send.ts";
import { shareOut } from "./shareOut.ts";
import type { Later } from "./waitingRoom.ts";

type Waiting = {
  readonly keys: Keyring;
  readonly guard: Guard;
  readonly report: Reporter;
  readonly now: () => number;
  /** Nothing more is admitted: what is not signed stays an intent. */
  readonly ended$: Observable<void>;
  readonly later: (later: Later) => void;
};

/** Admitted in one go, at the most: they fit one request of an endpoint that takes as many as it does by default. */
const mostTogether = 100;
/** Milliseconds after which a check is made anew, where those before took so long to be signed. */
const staleMs = 2_000;
/** Milliseconds until an intent that had to wait (gas too dear, response gone for the moment) is tried again. */
const postponeMs = 10_000;
/** The same where a ceiling holds it; it may be settled by others meanwhile. */
const cappedMs = 60_000;
/** The same where the one key that may pay it has enough in flight, and others have not. */
const fullMs = 1_000;
const retryMs = { first: 500, most: 30_000 };
/** Tries of one admission until it waits longer. */
const patience = 4;

/**
 * Admits what waits, as much together as there is room for, and sends what was signed. What cannot be admitted is tried
 * again later and lets the others pass. Emits what is settled.
 */
export function admitWaiting({
  keys,
  guard,
  report,
  now,
  ended$,
  later,
}: Waiting): (batch: readonly Confirmation[]) => Observable<Confirmation> {
  const tries = new Map<number, number>();
  const cappedBy = new Map<number, string>();
  /** Keys that could not pay one, by its id: the others are tried first. */
  const failedWith = new Map<number, Set<Key>>();

  /** What a key has signed stays with it, also when it is tried anew: it is never in two lanes. */
  const holderOf = ({ attempts }: Confirmation): Key | undefined =>
    keys.held().find(({ address }) => address === attempts.at(-1)?.signer);
  /** Whether a key may take it that has not been tried yet. */
  const hasUntried = (confirmation: Confirmation): boolean =>
    holderOf(confirmation) === undefined &&
    keys.held().some((each) => each.hasMoney() && !failedWith.get(confirmation.id)?.has(each));

  const mayTake = (confirmation: Confirmation, key: Key): boolean => {
    const holder = holderOf(confirmation);
    if (holder !== undefined) return holder === key;
    return !failedWith.get(confirmation.id)?.has(key) || !hasUntried(confirmation);
  };
  /** Whether another key has not been tried yet. */
  const isForAnother = (confirmation: Confirmation, key: Key): boolean => {
    const { id } = confirmation;
    failedWith.set(id, (failedWith.get(id) ?? new Set()).add(key));
    if (hasUntried(confirmation)) return true;
    failedWith.delete(id);
    return false;
  };

  const retry = (failed: readonly Extract<Admission, { type: "failed" }>[]) => {
    const told = new Set<unknown>();
    for (const { confirmation, error } of failed) {
      const count = (tries.get(confirmation.id) ?? 0) + 1;
      if (count >= patience) {
        tries.delete(confirmation.id);
        guard.leave(confirmation.id);
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

  const waitForRoom = (confirmation: Confirmation, capped: Capped) => {
    if (cappedBy.get(confirmation.id) !== capped.cap) report({ type: "held", confirmation, ...capped });
    cappedBy.set(confirmation.id, capped.cap);
    const wait = capped.until === undefined ? cappedMs : capped.until - now();
    later({ confirmation, inMs: Math.min(cappedMs, Math.max(1_000, wait)), isHeld: true });
  };

  const courses = createCourses<Key>();
  /** The journal or a signer contradicts itself: nothing more is signed. */
  let isBroken = false;
  const lookAtError = (error: unknown) => {
    if (error instanceof FatalError) isBroken = true;
  };
  /** `undefined`: the key is not ours any more, or nothing more is to be signed. */
  const admitted = async (
    key: Key,
    course: Course,
    some: readonly Confirmation[],
    isOver: () => boolean,
  ): Promise<readonly Admission[] | undefined> => {
    try {
      const look = async (looked: readonly Confirmation[]) => {
        const ids = looked.map(({ id }) => id);
        return { found: await keys.work(key, () => checkAll(key.track, ids)), at: now() };
      };
      const checked = course.read(() => look(some));
      // Said before the next batch has its turn, here and below.
      checked.catch(lookAtError);
      return await course.sign(async () => {
        try {
          let { found, at } = await checked;
          const age = now() - at;
          // A clock that was set back says nothing of it.
          const isStale = age < 0 || age >= staleMs;
          if (found !== undefined && found.payable.length > 0 && isStale) {
            const again = (await look(found.payable.map(({ confirmation }) => confirmation))).found;
            found = again && { ...again, admissions: [...found.admissions, ...again.admissions] };
          }
          if (found === undefined || isBroken || isOver()) return undefined;
          const ready = found;
          return await keys.work(key, () => payAll(key.track, ready));
        } catch (error) {
          lookAtError(error);
          throw error;
        }
      });
    } catch (error) {
      if (error instanceof FatalError) throw error;
      return some.map((confirmation) => ({ type: "failed", confirmation, error }));
    }
  };

  /** Answers what is settled. What was signed is sent while the next ones are read and signed. */
  const admitSome = async (
    key: Key,
    course: Course,
    some: readonly Confirmation[],
    isOver: () => boolean,
  ): Promise<{ readonly settled: readonly Confirmation[]; readonly sent: Promise<void> }> => {
    const admissions = await admitted(key, course, some, isOver);
    if (admissions === undefined) {
      for (const confirmation of some) later({ confirmation, inMs: 0 });
      return { settled: [], sent: Promise.resolve() };
    }
    const signed: Confirmation[] = [];
    const settled: Confirmation[] = [];
    for (const admission of admissions) {
      const { confirmation } = admission;
      if (admission.type !== "failed") tries.delete(confirmation.id);
      if (admission.type !== "capped") cappedBy.delete(confirmation.id);
      if (admission.type === "signed" || admission.type === "settled") failedWith.delete(confirmation.id);
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
          if (admission.ofKey && isForAnother(confirmation, key)) {
            later({ confirmation, inMs: 0 });
            break;
          }
          report({ type: "postponed", confirmation, reason: admission.reason, forMs: postponeMs });
          later({ confirmation, inMs: postponeMs });
          break;
        case "capped":
          waitForRoom(confirmation, admission.capped);
          break;
        case "paused":
          later({ confirmation, inMs: admission.resumed ? 0 : postponeMs });
          break;
        case "failed":
          isForAnother(confirmation, key);
          break;
        default:
          admission satisfies never;
      }
    }
    retry(admissions.filter((admission) => admission.type === "failed"));
    return { settled, sent: course.send(() => send(key, signed)) };
  };

  /** In nonce order, in one request. */
  const send = async (key: Key, signed: readonly Confirmation[]): Promise<void> => {
    try {
      await keys.work(key, () => broadcastAll(key.track, signed));
    } catch (error) {
      // What is signed is in flight: the tracker sends it again.
      if (error instanceof FatalError) throw error;
      report({ type: "retry", what: "sending", error, inMs: 0 });
    }
  };

  return (batch) =>
    new Observable((subscriber) => {
      const broken$ = new Subject<void>();
      const fail = (error: unknown) => {
        subscriber.error(error);
        broken$.next();
      };
      const free$ = combineLatest([keys.rooms$, courses.moved$.pipe(startWith(undefined))]).pipe(
        map(([rooms]) => courses.free(rooms)),
        filter((rooms) => rooms.length > 0),
        takeUntil(merge(ended$, broken$)),
      );
      const runOne = async (key: Key, some: readonly Confirmation[]): Promise<void> => {
        const course = courses.begin(key, some.length);
        try {
          const { settled, sent } = await admitSome(key, course, some, () => subscriber.closed);
          for (const confirmation of settled) subscriber.next(confirmation);
          await sent;
        } catch (error) {
          fail(error);
        } finally {
          course.end();
        }
      };
      const run = async () => {
        const underWay: Promise<void>[] = [];
        let rest: readonly Confirmation[] = [...new Map(batch.map((each) => [each.id, each])).values()];
        rest = rest.toSorted((a, b) => a.id - b.id);
        while (rest.length > 0 && !subscriber.closed) {
          const rooms = await firstValueFrom(free$, { defaultValue: [] });
          if (rooms.length === 0 || subscriber.closed) break;
          const { shares, rest: left } = shareOut(rest, rooms, mostTogether, mayTake);
          for (const [key, some] of shares) underWay.push(runOne(key, some));
          rest = left;
          if (shares.size > 0) continue;
          // The keys that may take them are full, and others are not.
          for (const confirmation of left) later({ confirmation, inMs: fullMs });
          break;
        }
        await Promise.all(underWay);
      };
      run().then(() => subscriber.complete(), fail);
    });
}
