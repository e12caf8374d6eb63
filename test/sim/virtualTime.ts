import { type SchedulerAction, type SchedulerLike, Subscription } from "rxjs";
import type { Clock } from "../../src/clock.ts";

/** Time as a queue of events: it moves when the next event is run, and at no other moment. */
export type VirtualTime = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Runs `work` after so many virtual milliseconds; answers how to call it off. */
  readonly after: (ms: number, work: () => void) => () => void;
  /** A daemon's clock; what it schedules is dropped once it is no longer alive. */
  readonly clock: (isAlive: () => boolean) => Clock;
  /** Runs the next event and lets every promise settle that it resolved; `false`: there is none. */
  readonly step: () => Promise<boolean>;
  /** Lets so many milliseconds go by in which nothing happens: what is due is due that much later. */
  readonly skip: (ms: number) => void;
  /** Milliseconds that were skipped so far. */
  readonly skipped: () => number;
  /** Events that were run so far. */
  readonly steps: () => number;
};

type Entry = { at: number; readonly order: number; work: (() => void) | undefined };

export function createVirtualTime(startMs: number): VirtualTime {
  const heap: Entry[] = [];
  let now = startMs;
  let order = 0;
  let steps = 0;
  let skipped = 0;

  const after = (ms: number, work: () => void): (() => void) => {
    const entry: Entry = { at: now + Math.max(0, ms), order: order++, work };
    push(heap, entry);
    return () => {
      entry.work = undefined;
    };
  };

  const step = async (): Promise<boolean> => {
    for (;;) {
      const entry = pop(heap);
      if (entry === undefined) return false;
      if (entry.work === undefined) continue;
      now = entry.at;
      steps++;
      entry.work();
      await settled();
      return true;
    }
  };

  return {
    now: () => now,
    after,
    clock: (isAlive) => ({ now: () => now, scheduler: schedulerOf(after, () => now, isAlive) }),
    step,
    skip: (ms) => {
      now += ms;
      skipped += ms;
      for (const entry of heap) entry.at += ms;
    },
    skipped: () => skipped,
    steps: () => steps,
  };
}

/** Node empties the microtask queue before the next `setImmediate`, and nothing in the daemon waits on real I/O here. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** @param after How an event is put off. */
export function schedulerOf(after: VirtualTime["after"], now: () => number, isAlive: () => boolean): SchedulerLike {
  return {
    now,
    schedule: <T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription => {
      let cancel: (() => void) | undefined;
      const action: SchedulerAction<T> = Object.assign(new Subscription(), {
        schedule: (next?: T, inMs = 0): Subscription => {
          cancel?.();
          cancel = after(inMs, () => {
            if (!action.closed && isAlive()) work.call(action, next);
          });
          return action;
        },
      });
      action.add(() => cancel?.());
      return action.schedule(state, delay);
    },
  };
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Entry[], entry: Entry): void {
  let index = heap.push(entry) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Entry;
    if (!isBefore(entry, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): Entry | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++;
    const below = heap[child] as Entry;
    if (!isBefore(below, last)) break;
    heap[index] = below;
    index = child;
  }
  heap[index] = last;
  return first;
}
