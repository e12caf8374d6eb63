import type { SourceAddress, TaskAddress } from "../protocol/brand.ts";
import type { NexusEvent } from "../protocol/events.ts";
import { type AddressCache, createAddressCache } from "./addressCache.ts";

/**
 * Whose tasks there are, in bounded memory: the source of each of the newest tasks, and whether a source is watched. By it
 * other people's events are dropped before anything is made of them.
 *
 * "Foreign" is said only of what belongs to a source that was asked about and is not watched; everything else is
 * `resolve`'s to find out, which asks the journal first. What is wrongly dropped after all, because a reorg gave a task's
 * address to another source, the scanner brings.
 */
export type TaskIndex = {
  readonly sourceOf: (task: TaskAddress) => SourceAddress | undefined;
  /** The newest word counts: after a reorg the same address can be another source's task. */
  readonly learn: (task: TaskAddress, source: SourceAddress) => void;
  readonly isForeignTask: (task: TaskAddress) => boolean;
  readonly judged: (source: SourceAddress, isWatched: boolean) => void;
  /** Every source is to be asked about again; what belongs to it is kept. */
  readonly forgetVerdicts: () => void;
  readonly isForeign: IsForeign;
};

/**
 * Whether an event is certainly about somebody else's task. Learns from it.
 * @param data The event's two words: `0x` and 128 hex digits.
 */
export type IsForeign = (type: NexusEvent["type"], data: string) => boolean;

type TaskIndexOptions = {
  /** Tasks that are remembered at the most: 24 bytes each, a power of two. @default 2^20, twelve minutes of the whole network */
  readonly tasks?: number;
  /** Responses to foreign tasks that are remembered at the most: 24 bytes each, a power of two. @default 2^18 */
  readonly responses?: number;
  /** Sources that are remembered; with one more, everything is forgotten. @default 50000 */
  readonly sources?: number;
};

/** Where the addresses of an event's two words begin, counted in words of 32 bits, and in characters of the second. */
const first = 3;
const second = 11;
const secondInText = 2 + 64 + 24;
const verdict = { unknown: 0, foreign: 1 } as const;

export function createTaskIndex(options: TaskIndexOptions = {}): TaskIndex {
  const maxSources = options.sources ?? 50_000;
  const sourcesOfTasks = createAddressCache(options.tasks ?? 1 << 20);
  const sourcesOfResponses = createAddressCache(options.responses ?? 1 << 18);
  const numbers = new Map<string, number>();
  const sources: SourceAddress[] = [];
  const verdicts = new Uint8Array(maxSources + 1);
  const words = new Uint32Array(16);
  const bytes = Buffer.from(words.buffer);

  /** Counts from 1: the caches hold it, and 0 is none. */
  const numberOf = (source: SourceAddress): number => {
    const known = numbers.get(source);
    if (known !== undefined) return known;
    if (sources.length === maxSources) forgetAll();
    sources.push(source);
    numbers.set(source, sources.length);
    return sources.length;
  };

  const forgetAll = () => {
    sources.length = 0;
    numbers.clear();
    verdicts.fill(verdict.unknown);
    sourcesOfTasks.clear();
    sourcesOfResponses.clear();
  };

  const readEvent = (data: string): boolean => bytes.write(data.slice(2), 0, 64, "hex") === 64;
  const readTask = (task: TaskAddress): boolean => bytes.write(task.slice(2), 0, 20, "hex") === 20;
  const isForeignSource = (number: number): boolean => verdicts[number] === verdict.foreign;

  /** Follows what is foreign from one address to the next. */
  const follow = (cache: AddressCache, at: number, source: number): boolean => {
    if (isForeignSource(source)) cache.set(words, at, source);
    else cache.delete(words, at);
    return isForeignSource(source);
  };

  const isForeign: IsForeign = (type, data) => {
    if (!readEvent(data)) return false;
    switch (type) {
      case "TaskPublished": {
        const source = numbers.get(`0x${data.slice(secondInText).toLowerCase()}`) ?? 0;
        return follow(sourcesOfTasks, first, source);
      }
      case "ResponseSubmitted":
        return follow(sourcesOfResponses, first, sourcesOfTasks.get(words, second));
      case "TaskStatusChanged":
        return isForeignSource(sourcesOfTasks.get(words, first));
      case "ResponseStatusChanged":
        return isForeignSource(sourcesOfResponses.get(words, first));
    }
  };

  return {
    sourceOf: (task) => (readTask(task) ? sources[sourcesOfTasks.get(words, 0) - 1] : undefined),
    learn: (task, source) => {
      if (readTask(task)) sourcesOfTasks.set(words, 0, numberOf(source));
    },
    isForeignTask: (task) => readTask(task) && isForeignSource(sourcesOfTasks.get(words, 0)),
    judged: (source, isWatched) => {
      verdicts[numberOf(source)] = isWatched ? verdict.unknown : verdict.foreign;
    },
    forgetVerdicts: () => void verdicts.fill(verdict.unknown),
    isForeign,
  };
}
