import { concat, concatMap, defer, from, mergeMap, type Observable } from "rxjs";
import type { Intake, Journal } from "../journal/journal.ts";
import type { SourceAddress } from "../protocol/brand.ts";
import type { ChainPort } from "./chainPort.ts";
import type { Watch } from "./watch.ts";

export type Sweep = {
  /** One round: cold, completes, errors with what the chain answered. */
  readonly round$: () => Observable<Intake>;
  /** The next round begins at the beginning: what the last one found may not have been stored. */
  readonly forget: () => void;
};

const tasksAtOnce = 8;
const tasksPerBatch = 500;

/**
 * Finds watched tasks and responses by the chain's state rather than by its logs: what intake missed, and, on the first
 * start, what there was before.
 *
 * The lists of sources and of a source's tasks only grow, so a round reads what came since the last one. A source that
 * was not watched is asked about again in each round: its client may have authorised the signer since.
 */
export function createSweep({ chain, journal, watch }: { chain: ChainPort; journal: Journal; watch: Watch }): Sweep {
  let sourcesSeen = 0;
  const unwatched = new Set<SourceAddress>();
  const watched = new Set<SourceAddress>();
  const tasksSeen = new Map<SourceAddress, number>();

  const findSources = async (): Promise<readonly SourceAddress[]> => {
    const { sources, next } = await chain.sources(sourcesSeen);
    for (const source of sources) unwatched.add(source);
    sourcesSeen = next;
    for (const source of unwatched) {
      if (!(await watch.isWatched(source))) continue;
      unwatched.delete(source);
      watched.add(source);
    }
    return [...watched];
  };

  const findTasks = async (source: SourceAddress): Promise<readonly Intake[]> => {
    const { tasks, next } = await chain.tasksOfSource(source, tasksSeen.get(source) ?? 0);
    tasksSeen.set(source, next);
    const batches: Intake[] = [];
    for (let start = 0; start < tasks.length; start += tasksPerBatch) {
      const some = tasks.slice(start, start + tasksPerBatch).map((task) => ({ task, source }));
      batches.push({ tasks: some, responses: [], touched: [] });
    }
    return batches;
  };

  const round$ = (): Observable<Intake> =>
    concat(
      defer(findSources).pipe(
        concatMap((sources) => from(sources)),
        concatMap(findTasks),
        concatMap((batches) => from(batches)),
      ),
      defer(() => journal.openTasks()).pipe(
        concatMap((tasks) => from(tasks)),
        mergeMap(async (task) => {
          const responses = await chain.responsesOfTask(task);
          return { tasks: [], responses: responses.map((response) => ({ response, task })), touched: [task] };
        }, tasksAtOnce),
      ),
    );
  return { round$, forget: () => tasksSeen.clear() };
}
