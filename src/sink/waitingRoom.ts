import { Observable, type SchedulerLike, type Subscription } from "rxjs";
import type { Confirmation } from "../journal/journal.ts";

/**
 * An intent that is tried again.
 * @param isHeld By a ceiling: those that came first are tried before it, whatever their time. @default false
 */
export type Later = { readonly confirmation: Confirmation; readonly inMs: number; readonly isHeld?: boolean };

/** Where intents wait that could not be signed. */
type WaitingRoom = {
  readonly later: (later: Later) => void;
  /** What stood in their way is gone: all of them are due now, the oldest first. */
  readonly wake: () => void;
  /** Each when its time has come. One subscriber at a time; it empties the room when it leaves. */
  readonly due$: Observable<Confirmation>;
};

export function createWaitingRoom(scheduler: SchedulerLike): WaitingRoom {
  const waiting = new Map<number, { readonly confirmation: Confirmation; readonly timer: Subscription }>();
  let leave: (confirmation: Confirmation) => void = () => undefined;
  /** The ids of those that a ceiling holds, ascending. */
  const held: number[] = [];
  const take = (id: number): Confirmation | undefined => {
    const found = waiting.get(id);
    found?.timer.unsubscribe();
    waiting.delete(id);
    const place = placeOf(id, held);
    if (held[place] === id) held.splice(place, 1);
    return found?.confirmation;
  };
  const due = (id: number) => {
    const place = placeOf(id, held);
    // Room may have come for any of them: who came later would take it, also where it waits at another ceiling.
    const earlier = held[place] === id ? held.slice(0, place) : [];
    for (const each of [...earlier, id]) {
      const confirmation = take(each);
      if (confirmation) leave(confirmation);
    }
  };
  return {
    later: ({ confirmation, inMs, isHeld = false }) => {
      take(confirmation.id);
      if (isHeld) held.splice(placeOf(confirmation.id, held), 0, confirmation.id);
      const timer = scheduler.schedule(() => due(confirmation.id), inMs);
      waiting.set(confirmation.id, { confirmation, timer });
    },
    wake: () => {
      for (const id of [...waiting.keys()].sort((a, b) => a - b)) due(id);
    },
    due$: new Observable((subscriber) => {
      leave = (confirmation) => subscriber.next(confirmation);
      return () => {
        leave = () => undefined;
        for (const id of [...waiting.keys()]) take(id);
      };
    }),
  };
}

/** Where a number stands in an ascending list, or would. */
function placeOf(number: number, list: readonly number[]): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((list[middle] as number) < number) from = middle + 1;
    else to = middle;
  }
  return from;
}
