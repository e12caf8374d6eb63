import { Subject } from "rxjs";
import type { KeyRoom } from "./shareOut.ts";

/** Batches of a key under way at once: one is sent, one is signed, others are read, so that there is work while a node is busy. */
const mostBatches = 5;
/** Of those, read at once: a node answers one after the other, and what was asked first must be signed first. */
const mostReads = 2;

/** What keys have under way: the batches of each are read two at a time, then signed and sent one after the other. */
type Courses<Key> = {
  readonly begin: (key: Key, intents: number) => Course;
  /** Of what has room, what may begin another batch, with the room that is left. */
  readonly free: (rooms: readonly KeyRoom<Key>[]) => readonly KeyRoom<Key>[];
  /** A batch has come further. */
  readonly moved$: Subject<void>;
};

/** One batch. Whatever becomes of the one before, its turn comes. */
export type Course = {
  /** When the one that began two before is read. */
  readonly read: <T>(work: () => Promise<T>) => Promise<T>;
  /** When all that began before have signed. */
  readonly sign: <T>(work: () => Promise<T>) => Promise<T>;
  /**
   * When all that signed before have sent and were answered: geth works on each request of a connection by itself, and of what comes
   * before its turn its pool keeps 64 (`AccountQueue`; go-opera 32). From its beginning on, what is in flight is counted elsewhere.
   */
  readonly send: <T>(work: () => Promise<T>) => Promise<T>;
  readonly end: () => void;
};

export function createCourses<Key>(): Courses<Key> {
  type UnderWay = {
    batches: number;
    intents: number;
    /** The last reads, the oldest first. */
    reads: readonly Promise<unknown>[];
    signed: Promise<unknown>;
    sent: Promise<unknown>;
  };
  const all = new Map<Key, UnderWay>();
  const of = (key: Key): UnderWay => {
    const done = Promise.resolve();
    const found = all.get(key) ?? { batches: 0, intents: 0, reads: [], signed: done, sent: done };
    all.set(key, found);
    return found;
  };
  const moved$ = new Subject<void>();
  return {
    begin: (key, intents) => {
      const underWay = of(key);
      underWay.batches += 1;
      underWay.intents += intents;
      let counted = intents;
      const uncount = () => {
        underWay.intents -= counted;
        counted = 0;
      };
      return {
        read: (work) => {
          const read = (underWay.reads.at(-mostReads) ?? Promise.resolve()).then(work);
          underWay.reads = [...underWay.reads, read.catch(() => undefined)].slice(-mostReads);
          return read;
        },
        sign: (work) => {
          const signed = underWay.signed.then(work);
          underWay.signed = signed.catch(() => undefined);
          return signed;
        },
        send: (work) => {
          const sent = underWay.sent.then(() => {
            uncount();
            return work();
          });
          underWay.sent = sent.catch(() => undefined);
          return sent;
        },
        end: () => {
          underWay.batches -= 1;
          uncount();
          moved$.next();
        },
      };
    },
    free: (rooms) =>
      rooms
        .filter(({ key }) => of(key).batches < mostBatches)
        .map(({ key, inFlight, room }) => {
          const { intents } = of(key);
          return { key, inFlight: inFlight + intents, room: room - intents };
        })
        .filter(({ room }) => room > 0),
    moved$,
  };
}
