import type { SourceAddress, TaskAddress } from "../protocol/brand.ts";
import type { ChainEvent } from "../protocol/events.ts";
import { createAddressCache } from "./addressCache.ts";

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
  readonly judged: (source: SourceAddress, isWatched: boolean) => void;
  /** Every source is to be asked about again; what belongs to it is kept. */
  readonly forgetVerdicts: () => void;
  /**
   * Whether an event is certainly about somebody else's task. Learns from it.
   * @param at Where the first of the event's two words begins in the text: 128 hex digits.
   */
  readonly isForeign: IsForeign;
};

export type IsForeign = (type: ChainEvent["type"], text: string, at: number) => boolean;

export type TaskIndexOptions = {
  /** Tasks that are remembered: 24 bytes each, a power of two. @default 2^20, twelve minutes of the whole network */
  readonly tasks?: number;
  /** Responses to foreign tasks that are remembered: 24 bytes each, a power of two. @default 2^18 */
  readonly responses?: number;
  /** Sources that are remembered; with one more, everything is forgotten. @default 50000 */
  readonly sources?: number;
};

/** From the beginning of a word to its address, in hex digits. */
const padding = 24;
const word = 64;
const verdict = { unknown: 0, foreign: 1 } as const;

export function createTaskIndex(options: TaskIndexOptions = {}): TaskIndex {
  const maxSources = options.sources ?? 50_000;
  const sourcesOfTasks = createAddressCache(options.tasks ?? 1 << 20);
  const sourcesOfResponses = createAddressCache(options.responses ?? 1 << 18);
  const numbers = new Map<string, number>();
  const sources: SourceAddress[] = [];
  const verdicts = new Uint8Array(maxSources + 1);

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

  const isForeign: IsForeign = (type, text, at) => {
    const first = at + padding;
    const second = first + word;
    switch (type) {
      case "TaskPublished": {
        const source = numbers.get(`0x${text.slice(second, second + 40)}`.toLowerCase()) ?? 0;
        if (verdicts[source] === verdict.foreign) sourcesOfTasks.set(text, first, source);
        else sourcesOfTasks.delete(text, first);
        return verdicts[source] === verdict.foreign;
      }
      case "ResponseSubmitted": {
        const source = sourcesOfTasks.get(text, second);
        if (verdicts[source] === verdict.foreign) sourcesOfResponses.set(text, first, source);
        else sourcesOfResponses.delete(text, first);
        return verdicts[source] === verdict.foreign;
      }
      case "TaskStatusChanged":
        return verdicts[sourcesOfTasks.get(text, first)] === verdict.foreign;
      case "ResponseStatusChanged":
        return verdicts[sourcesOfResponses.get(text, first)] === verdict.foreign;
    }
  };

  return {
    sourceOf: (task) => sources[sourcesOfTasks.get(task, 2) - 1],
    learn: (task, source) => sourcesOfTasks.set(task, 2, numberOf(source)),
    judged: (source, isWatched) => {
      verdicts[numberOf(source)] = isWatched ? verdict.unknown : verdict.foreign;
    },
    forgetVerdicts: () => void verdicts.fill(verdict.unknown),
    isForeign,
  };
}
