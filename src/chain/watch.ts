import type { Intake, Journal } from "../journal/journal.ts";
import type { AccountAddress, SourceAddress, TaskAddress } from "../protocol/brand.ts";
import type { ChainEvent } from "../protocol/events.ts";
import { createBoundedMap } from "./boundedMap.ts";
import type { ChainPort } from "./chainPort.ts";

export type WatchOptions = {
  readonly sources: ReadonlySet<SourceAddress>;
  readonly clients: ReadonlySet<AccountAddress>;
  /** The signer, where its own sources, and those of clients that made it their agent, are watched. */
  readonly own: AccountAddress | undefined;
};

/** Tells the daemon's own tasks from everybody else's: no event is indexed, so every watcher sees all of them. */
export type Watch = {
  readonly isWatched: (source: SourceAddress) => Promise<boolean>;
  /** What these events say of watched tasks. @throws RetryableError if the chain had to be asked and did not answer. */
  readonly resolve: (events: readonly ChainEvent[]) => Promise<Omit<Intake, "cursor">>;
  /** Forgets what was cached, because an agent may have been set since. */
  readonly forget: () => void;
};

export function createWatch(
  { chain, journal }: { readonly chain: ChainPort; readonly journal: Journal },
  { sources, clients, own }: WatchOptions,
): Watch {
  let known = createBoundedMap<SourceAddress, boolean>(10_000);
  let foreignTasks = createBoundedMap<TaskAddress, true>(100_000);

  const isClientWatched = async (client: AccountAddress): Promise<boolean> =>
    clients.has(client) || (own !== undefined && (client === own || (await chain.isAgentOf(client, own))));

  const isWatched = async (address: SourceAddress): Promise<boolean> => {
    if (sources.has(address)) return true;
    if (clients.size === 0 && own === undefined) return false;
    const cached = known.get(address);
    if (cached !== undefined) return cached;
    const source = await chain.source(address);
    if (source === undefined) return false;
    const watched = await isClientWatched(source.client);
    known.set(address, watched);
    return watched;
  };

  /** The source of a task that is in neither the journal nor the batch, if it is watched. */
  const adopt = async (task: TaskAddress): Promise<SourceAddress | undefined> => {
    if (foreignTasks.get(task)) return undefined;
    const source = await chain.sourceOfTask(task);
    if (source === undefined || (await isWatched(source))) return source;
    foreignTasks.set(task, true);
    return undefined;
  };

  const resolve: Watch["resolve"] = async (events) => {
    const tasks = new Map<TaskAddress, SourceAddress>();
    for (const event of events) {
      if (event.type === "TaskPublished" && (await isWatched(event.source))) tasks.set(event.task, event.source);
      else if (event.type === "TaskPublished") foreignTasks.set(event.task, true);
    }
    const mentioned = new Set(events.flatMap((event) => ("task" in event ? [event.task] : [])));
    const journalled = await journal.knownTasks([...mentioned].filter((task) => !foreignTasks.get(task)));
    const tasksOfResponses = await journal.tasksOfResponses(
      events.flatMap((event) => (event.type === "ResponseStatusChanged" ? [event.response] : [])),
    );

    const responses: Intake["responses"][number][] = [];
    const touched = new Set<TaskAddress>();
    for (const event of events) {
      switch (event.type) {
        case "TaskPublished":
          break;
        case "ResponseSubmitted": {
          const { response, task } = event;
          if (!tasks.has(task) && !journalled.has(task)) {
            const source = await adopt(task);
            if (source === undefined) break;
            tasks.set(task, source);
          }
          responses.push({ response, task });
          break;
        }
        case "TaskStatusChanged":
          if (journalled.has(event.task)) touched.add(event.task);
          break;
        case "ResponseStatusChanged": {
          const task = tasksOfResponses.get(event.response);
          if (task !== undefined) touched.add(task);
          break;
        }
        default:
          event satisfies never;
      }
    }
    return {
      tasks: [...tasks].map(([task, source]) => ({ task, source })),
      responses,
      touched: [...touched],
    };
  };

  return {
    isWatched,
    resolve,
    forget: () => {
      known = createBoundedMap(10_000);
      foreignTasks = createBoundedMap(100_000);
    },
  };
}
