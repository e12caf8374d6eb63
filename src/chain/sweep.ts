import type { Intake, Journal } from "../journal/journal.ts";
import { openTasks } from "../openTasks.ts";
import type { SourceAddress, TaskAddress } from "../protocol/brand.ts";
import { isClosed, isTooLate } from "../protocol/statuses.ts";
import type { ChainPort } from "./chainPort.ts";
import type { TaskStanding } from "./taskStandings.ts";
import type { Watch } from "./watch.ts";

/** What one step of a round found by the chain's state. */
export type SweepStep = Pick<Intake, "tasks" | "responses" | "touched"> & {
  /** The tasks were published since this process read their source's list last: logs should tell of them, too. */
  readonly isNews: boolean;
};

export type Sweep = {
  /** One round, step by step; throws what the chain answered. @param since The checkpoint. */
  readonly round: (since: bigint) => AsyncGenerator<SweepStep, void>;
  /** The next round begins at the beginning: what the last one found may not have been stored. */
  readonly forget: () => void;
};

/**
 * Finds watched tasks and responses by the chain's state rather than by its logs: what intake missed, and, on the first
 * start, what there was before.
 *
 * The list of a source's tasks only grows, so a round reads what came since the last one. That of the sources is read from its
 * beginning: a reorg may have put others in it. Each is asked about again: its client may have authorised the signer since, or
 * dismissed it. Of the open tasks it touches those that have something to judge, and those that are over.
 */
export function createSweep({ chain, journal, watch }: { chain: ChainPort; journal: Journal; watch: Watch }): Sweep {
  /** A round keeps to the map that it began with: what it reads when it is given up already is news to the next one. */
  let tasksSeen = new Map<SourceAddress, number>();

  const findSources = async (since: bigint): Promise<readonly SourceAddress[]> => {
    const sources = new Set<SourceAddress>();
    for (let [from, more] = [0, true]; more; ) {
      const stretch = await chain.sources(from);
      for (const source of stretch.sources) sources.add(source);
      [from, more] = [stretch.next, stretch.more];
    }
    const watched: SourceAddress[] = [];
    for (const source of sources) if (await watch.isWatched(source, since)) watched.push(source);
    return watched;
  };

  async function* newTasks(source: SourceAddress, seen: Map<SourceAddress, number>): AsyncGenerator<SweepStep, void> {
    const isNews = seen.has(source);
    for (let more = true; more; ) {
      const stretch = await chain.tasksOfSource(source, seen.get(source) ?? 0);
      const tasks = stretch.tasks.map((task) => ({ task, source }));
      seen.set(source, stretch.next);
      if (tasks.length > 0) yield { tasks, responses: [], touched: [], isNews };
      more = stretch.more;
    }
  }

  async function* round(since: bigint): AsyncGenerator<SweepStep, void> {
    const seen = tasksSeen;
    for (const source of await findSources(since)) yield* newTasks(source, seen);
    for await (const tasks of openTasks(journal)) {
      const [{ timestamp }, standings] = await Promise.all([chain.head(), chain.standings(tasks)]);
      const found = tasks.flatMap((task, at) => {
        const standing = standings[at];
        return standing === undefined ? [] : [{ task, standing }];
      });
      yield { tasks: [], ...factsOf(found, timestamp), isNews: false };
    }
  }

  const forget = () => {
    tasksSeen = new Map();
  };
  return { round, forget };
}

/** @param now By the chain's clock, unix seconds. */
function factsOf(
  found: readonly { readonly task: TaskAddress; readonly standing: TaskStanding }[],
  now: number,
): Pick<Intake, "responses" | "touched"> {
  const isWorthALook = (standing: TaskStanding) =>
    standing.responses.length > 0 || isClosed(standing.status) || isTooLate(standing, now);
  return {
    responses: found.flatMap(({ task, standing }) => standing.responses.map((response) => ({ response, task }))),
    touched: found.filter(({ standing }) => isWorthALook(standing)).map(({ task }) => task),
  };
}
