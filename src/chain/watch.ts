import { RetryableError } from "../errors.ts";
import type { Intake, Journal, SeenResponse, SeenTask } from "../journal/journal.ts";
import type { AccountAddress, ResponseAddress, SourceAddress, TaskAddress } from "../protocol/brand.ts";
import type { ChainEvent, LogPosition } from "../protocol/events.ts";
import { askOnce } from "./askOnce.ts";
import { createBoundedMap } from "./boundedMap.ts";
import type { ChainPort } from "./chainPort.ts";
import { inParallel } from "./endpoints/inParallel.ts";
import { createSeenLogs } from "./seenLogs.ts";
import type { TaskIndex } from "./taskIndex.ts";

export type WatchOptions = {
  readonly sources: ReadonlySet<SourceAddress>;
  readonly clients: ReadonlySet<AccountAddress>;
  /** The signers, where their own sources, and those of clients that made one of them their agent, are watched. */
  readonly own: readonly AccountAddress[];
};

/** What events say of watched tasks. */
export type Facts = Pick<Intake, "tasks" | "responses" | "touched"> & {
  /** To be called when the journal has stored it: a second copy of the same log then touches nothing. */
  readonly stored: () => void;
};

/** Tells the daemon's own tasks from everybody else's: no event is indexed, so every watcher sees all of them. */
export type Watch = {
  /**
   * @param since A block that there is: what a node says that does not have it is no word against the source.
   * @throws RetryableError if the chain had to be asked and did not answer, or does not have the source or that block yet.
   */
  readonly isWatched: (source: SourceAddress, since: bigint) => Promise<boolean>;
  /** What these events say of watched tasks. @throws RetryableError as `isWatched` does. */
  readonly resolve: (events: readonly ChainEvent[]) => Promise<Facts>;
  /** Whether a log has told that the source's client made a signer its agent after this block: its tasks may have been foreign until then. */
  readonly agentSetAfter: (source: SourceAddress, block: bigint) => boolean;
  /** Whether it is watched by the configuration, or as a signer's own, whoever is an agent of whom. */
  readonly isAlwaysWatched: (source: SourceAddress) => boolean;
  /** Forgets who is an agent of whom: it may have changed since. What cannot change is kept. */
  readonly forget: () => void;
  /** The journal has forgotten what a reorg took back: every log is news again, and a source's address may be another client's. */
  readonly rewound: () => void;
};

type WatchDeps = {
  readonly chain: ChainPort;
  readonly journal: Pick<Journal, "knownTasks" | "tasksOfResponses">;
  /** Shared with the socket's parser, which drops by it what is certainly foreign. */
  readonly index: TaskIndex;
};

/** How often what an event named may be missing before it is taken for none: a node may lag behind its logs. */
const patience = 5;
/** The same where it does not have the event's block either, and says nothing of the contract: but a socket may have made that up. */
const patienceForBlocks = 20;
/** Look-ups that are under way at the same time, for one batch of events. */
const lookUpsAtOnce = 16;
/** Logs of changed statuses of ours that are remembered: a second copy comes within seconds. */
const seenLimit = 10_000;

export function createWatch({ chain, journal, index }: WatchDeps, { sources, clients, own }: WatchOptions): Watch {
  const owners = ownersOf(chain);
  const missed = createBoundedMap<string, number>(10_000);
  const seen = createSeenLogs(seenLimit);
  let agents = agentsOf(chain, own);
  /** The newest block in which a client made a signer its agent, or dismissed it, as logs tell. */
  const agentsSetIn = createBoundedMap<AccountAddress, bigint>(10_000);
  /** How often answers were forgotten: one that comes after that is not kept. */
  let forgotten = 0;

  const isNamed = (client: AccountAddress): boolean => clients.has(client) || own.includes(client);

  /** `undefined`: it cannot be told. */
  const isClientWatched = async (client: AccountAddress, block: bigint): Promise<boolean | undefined> => {
    if (isNamed(client)) return true;
    if (own.length === 0) return false;
    const since = later(block, agentsSetIn.get(client));
    const told = await agents.askedOf(client, since);
    if (told !== "behind") return told;
    missing(`block ${since} for the agents of ${client}`, patienceForBlocks);
    agentsSetIn.delete(client);
    return undefined;
  };

  /** A contract or a block that the node does not have: it lags, for a while. */
  const missing = (what: string, most = patience): undefined => {
    const times = (missed.get(what) ?? 0) + 1;
    missed.set(what, times);
    if (times > most) return undefined;
    throw new RetryableError(`the endpoint does not have ${what}, which an event named`, { code: "NODE_BEHIND" });
  };

  /** How patiently it was asked for before counts no more. */
  const found = <T>(what: string, answer: T): T => {
    missed.delete(what);
    return answer;
  };

  const clientOf = async (source: SourceAddress, since: bigint): Promise<AccountAddress | undefined> => {
    const told = await owners.askedOf(source, since);
    if (told === "behind") return missing(`block ${since} for source ${source}`, patienceForBlocks);
    return told === undefined ? missing(`source ${source}`) : found(`source ${source}`, told);
  };

  const isWatched = async (address: SourceAddress, since: bigint): Promise<boolean> => {
    if (sources.has(address)) return true;
    if (clients.size === 0 && own.length === 0) {
      index.judged(address, false);
      return false;
    }
    const before = forgotten;
    const client = await clientOf(address, since);
    if (client === undefined) return false;
    const isOurs = await isClientWatched(client, since);
    if (isOurs === undefined) return false;
    if (before === forgotten) index.judged(address, isOurs);
    return isOurs;
  };

  const askTask = askOnce((task: TaskAddress, since: bigint) => chain.sourceOfTask(task, since));
  /** The source of a task that is in neither the journal nor the batch, if it is watched. */
  const adopt = async (task: TaskAddress, since: bigint): Promise<SourceAddress | undefined> => {
    const source = index.sourceOf(task) ?? (await askTask(task, since));
    if (source === "behind") return missing(`block ${since} for task ${task}`, patienceForBlocks);
    if (source === undefined) return missing(`task ${task}`);
    index.learn(task, found(`task ${task}`, source));
    return (await isWatched(source, since)) ? source : undefined;
  };

  /** Puts the question for each of them, as of the block that names it, and answers those of which it is true. */
  const those = async <T extends string, R>(
    all: ReadonlyMap<T, bigint>,
    ask: (one: T, since: bigint) => Promise<R | undefined>,
  ): Promise<ReadonlyMap<T, R>> => {
    const some = [...all];
    const answers = await inParallel(some, lookUpsAtOnce, ([one, since]) => ask(one, since));
    return new Map(some.flatMap(([one], at) => (answers[at] === undefined ? [] : [[one, answers[at]] as const])));
  };

  /** What was told of these clients before holds no more. */
  const noteAgents = (events: readonly ChainEvent[]) => {
    const set = events.filter((event) => event.type === "AgentSet").filter(({ agent }) => own.includes(agent));
    for (const { account, at } of set) {
      agentsSetIn.set(account, later(at.blockNumber, agentsSetIn.get(account)));
      agents.forget(account);
    }
    if (set.length === 0) return;
    forgotten += 1;
    index.forgetVerdicts();
  };

  const forget = () => {
    agents = agentsOf(chain, own);
    forgotten += 1;
    index.forgetVerdicts();
  };

  const resolve: Watch["resolve"] = async (events) => {
    noteAgents(events);
    const published = events.filter((event) => event.type === "TaskPublished");
    for (const { task, source } of published) index.learn(task, source);
    const watched = await those(
      new Map(published.map(({ source, at }) => [source, at.blockNumber])),
      async (source, since) => ((await isWatched(source, since)) ? true : undefined),
    );
    const tasks = new Map<TaskAddress, SeenTask>();
    const foreign = new Set<TaskAddress>();
    for (const { task, source, at } of published) {
      if (watched.has(source)) tasks.set(task, { task, source, block: at.blockNumber });
      else foreign.add(task);
    }

    const mentioned = new Set<TaskAddress>();
    const confirmed: ResponseAddress[] = [];
    for (const event of events) {
      if (event.type === "ResponseStatusChanged") confirmed.push(event.response);
      else if (event.type !== "TaskPublished" && event.type !== "AgentSet" && !foreign.has(event.task))
        mentioned.add(event.task);
    }
    const journalled = await journal.knownTasks([...mentioned]);
    const tasksOfResponses = await journal.tasksOfResponses(confirmed);
    const unknown = new Map<TaskAddress, bigint>();
    for (const event of events) {
      if (event.type !== "ResponseSubmitted" || tasks.has(event.task) || journalled.has(event.task)) continue;
      if (!foreign.has(event.task) && !index.isForeignTask(event.task)) unknown.set(event.task, event.at.blockNumber);
    }
    for (const [task, source] of await those(unknown, adopt)) tasks.set(task, { task, source });

    const responses: SeenResponse[] = [];
    const touched = new Set<TaskAddress>();
    const touches: LogPosition[] = [];
    const touch = (task: TaskAddress | undefined, at: LogPosition) => {
      if (task === undefined || seen.has(at)) return;
      touched.add(task);
      touches.push(at);
    };
    for (const event of events) {
      switch (event.type) {
        case "TaskPublished":
        case "AgentSet":
          break;
        case "ResponseSubmitted": {
          const { response, task, at } = event;
          if (tasks.has(task) || journalled.has(task)) responses.push({ response, task, block: at.blockNumber });
          break;
        }
        case "TaskStatusChanged":
          if (journalled.has(event.task)) touch(event.task, event.at);
          break;
        case "ResponseStatusChanged":
          touch(tasksOfResponses.get(event.response), event.at);
          break;
        default:
          event satisfies never;
      }
    }
    const stored = seen.willStore(touches);
    return { tasks: [...tasks.values()], responses, touched: [...touched], stored };
  };

  return {
    isWatched,
    resolve,
    agentSetAfter: (source, block) => {
      const client = owners.known(source);
      const set = client === undefined ? undefined : agentsSetIn.get(client);
      return set !== undefined && block < set;
    },
    isAlwaysWatched: (source) => {
      const client = owners.known(source);
      return sources.has(source) || (client !== undefined && isNamed(client));
    },
    forget,
    rewound: () => {
      seen.forget();
      owners.rewound();
      forget();
    },
  };
}

const later = (block: bigint, other = 0n): bigint => (block > other ? block : other);

/** The clients of sources, each asked for once, and again after a reorg. */
function ownersOf(chain: Pick<ChainPort, "source">) {
  const clients = createBoundedMap<SourceAddress, { readonly client: AccountAddress; readonly rewinds: number }>(
    10_000,
  );
  const asking = () => askOnce((source: SourceAddress, since: bigint) => chain.source(source, since));
  let ask = asking();
  let rewinds = 0;
  return {
    /** As it was last told, be it before a reorg. */
    known: (source: SourceAddress): AccountAddress | undefined => clients.get(source)?.client,
    askedOf: async (source: SourceAddress, since: bigint): Promise<AccountAddress | "behind" | undefined> => {
      const before = rewinds;
      const known = clients.get(source);
      if (known?.rewinds === before) return known.client;
      const told = await ask(source, since);
      if (told === undefined || told === "behind") return told;
      const newest = clients.get(source)?.rewinds ?? before;
      if (newest <= before) clients.set(source, { client: told.client, rewinds: before });
      return told.client;
    },
    rewound: () => {
      rewinds += 1;
      ask = asking();
    },
  };
}

/** Whether a client made one of the signers its agent; each is asked about until it can be told, and again once it is forgotten. */
function agentsOf(chain: Pick<ChainPort, "hasAgentAmong">, own: readonly AccountAddress[]) {
  const answers = createBoundedMap<AccountAddress, Promise<boolean | "behind">>(10_000);
  return {
    askedOf: (client: AccountAddress, since: bigint): Promise<boolean | "behind"> => {
      const known = answers.get(client);
      if (known !== undefined) return known;
      const answer = chain.hasAgentAmong(client, own, since);
      answers.set(client, answer);
      const drop = () => void (answers.get(client) === answer && answers.delete(client));
      answer.then((told) => told === "behind" && drop(), drop);
      return answer;
    },
    forget: (client: AccountAddress) => void answers.delete(client),
  };
}
