import { Observable, type SchedulerLike, type Subscription } from "rxjs";
import type { Confirmation } from "../journal/journal.ts";

/** An intent that is tried again. */
export type Later = { readonly confirmation: Confirmation; readonly inMs: number };

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
  const take = (id: number): Confirmation | undefined => {
    const found = waiting.get(id);
    found?.timer.unsubscribe();
    waiting.delete(id);
    return found?.confirmation;
  };
  const due = (id: number) => {
    const confirmation = take(id);
    if (confirmation) leave(confirmation);
  };
  return {
    later: ({ confirmation, inMs }) => {
      take(confirmation.id);
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
