import type { Hex } from "../../src/protocol/brand.ts";
import type { ChainEvent } from "../../src/protocol/events.ts";
import { DeliveryMethod, ResponseStatus, SourceStatus, TaskStatus } from "../../src/protocol/statuses.ts";

export type SourceState = {
  readonly address: Hex;
  readonly client: Hex;
  readonly deliveryMethod: number;
  readonly status: number;
  readonly tasks: readonly Hex[];
};

export type TaskState = {
  readonly address: Hex;
  readonly source: Hex;
  readonly config: string;
  /** Unix seconds. */
  readonly expiryTime: number;
  /** Wei. */
  readonly payment: bigint;
  readonly deliveryMethod: number;
  readonly status: number;
  /** In the order of the attempts; the response is absent until it is submitted. */
  readonly attempts: readonly { readonly provider: Hex; readonly response: Hex | undefined }[];
};

export type ResponseState = {
  readonly address: Hex;
  readonly task: Hex;
  readonly provider: Hex;
  readonly data: string;
  /** Wei. */
  readonly payment: bigint;
  readonly status: number;
  /** Unix seconds. */
  readonly timestamp: number;
};

/** Everything the contracts hold after a block. A block that changes something has maps of its own. */
export type ModelState = {
  readonly sources: Map<Hex, SourceState>;
  readonly tasks: Map<Hex, TaskState>;
  readonly responses: Map<Hex, ResponseState>;
  /** `client/agent`. */
  readonly agents: Set<string>;
  /** Mined transactions of each account. */
  readonly nonces: Map<Hex, number>;
};

/** What a transaction does. Contracts are named by what made them, so that a reorg does not rename them. */
export type Action =
  | { readonly type: "publishSource"; readonly source: Hex; readonly client: Hex; readonly deliveryMethod: number }
  | { readonly type: "setAgent"; readonly client: Hex; readonly agent: Hex; readonly value: boolean }
  | {
      readonly type: "publishTask";
      readonly task: Hex;
      readonly source: Hex;
      readonly config: string;
      readonly expiryTime: number;
      readonly payment: bigint;
    }
  | { readonly type: "attempt"; readonly task: Hex; readonly provider: Hex }
  | {
      readonly type: "submit";
      readonly response: Hex;
      readonly task: Hex;
      readonly provider: Hex;
      readonly data: string;
      readonly payment: bigint;
    }
  | { readonly type: "cancel"; readonly task: Hex }
  | { readonly type: "confirm"; readonly response: Hex; readonly sender: Hex }
  | { readonly type: "transfer" };

/** An event of Nexus: its name and its two words. Or one of Terminal, which has a third one. */
export type ModelEvent = {
  readonly name: ChainEvent["type"];
  readonly first: Hex;
  readonly second: Hex | number;
  readonly third?: number;
};

export type Outcome =
  | { readonly ok: true; readonly events: readonly ModelEvent[] }
  /** An empty reason: a call to what is no contract. */
  | { readonly ok: false; readonly reason: string };

export const emptyState = (): ModelState => ({
  sources: new Map(),
  tasks: new Map(),
  responses: new Map(),
  agents: new Set(),
  nonces: new Map(),
});

export const copyState = (state: ModelState): ModelState => ({
  sources: new Map(state.sources),
  tasks: new Map(state.tasks),
  responses: new Map(state.responses),
  agents: new Set(state.agents),
  nonces: new Map(state.nonces),
});

const done = (...events: readonly ModelEvent[]): Outcome => ({ ok: true, events });
const revert = (reason: string): Outcome => ({ ok: false, reason });

const changeTask = (state: ModelState, task: TaskState, change: Partial<TaskState>): TaskState => {
  const changed = { ...task, ...change };
  state.tasks.set(task.address, changed);
  return changed;
};

const statusEvent = (task: Hex, status: number): ModelEvent => ({
  name: "TaskStatusChanged",
  first: task,
  second: status,
});

/**
 * Carries an action out as the contracts would, in a block of this time (unix seconds); changes `state` only where it
 * succeeds.
 */
export function applyAction(state: ModelState, action: Action, time: number): Outcome {
  switch (action.type) {
    case "transfer":
      return done();
    case "publishSource": {
      const { source: address, client, deliveryMethod } = action;
      state.sources.set(address, { address, client, deliveryMethod, status: SourceStatus.ACTIVE, tasks: [] });
      return done();
    }
    case "setAgent": {
      const { client, agent, value } = action;
      state.agents[value ? "add" : "delete"](`${client}/${agent}`);
      return done({ name: "AgentSet", first: client, second: agent, third: Number(value) });
    }
    case "publishTask":
      return publishTask(state, action, time);
    case "attempt":
      return attempt(state, action, time);
    case "submit":
      return submit(state, action, time);
    case "cancel": {
      const task = state.tasks.get(action.task);
      if (task === undefined) return revert("NotFound");
      if (task.status !== TaskStatus.NEW) return revert("NotCancelable");
      changeTask(state, task, { status: TaskStatus.CANCELED });
      return done(statusEvent(task.address, TaskStatus.CANCELED));
    }
    case "confirm":
      return confirm(state, action, time);
    default:
      return action satisfies never;
  }
}

type ActionOf<T extends Action["type"]> = Extract<Action, { readonly type: T }>;

function publishTask(state: ModelState, action: ActionOf<"publishTask">, time: number): Outcome {
  const source = state.sources.get(action.source);
  if (source === undefined) return revert("NotFound");
  if (action.expiryTime <= time) return revert("Expired");
  const { task: address, config, expiryTime, payment } = action;
  const { deliveryMethod } = source;
  state.tasks.set(address, {
    address,
    source: source.address,
    config,
    expiryTime,
    payment,
    deliveryMethod,
    status: TaskStatus.NEW,
    attempts: [],
  });
  state.sources.set(source.address, { ...source, tasks: [...source.tasks, address] });
  return done({ name: "TaskPublished", first: address, second: source.address });
}

const whyClosed = ({ status }: TaskState): string | undefined => {
  if (status === TaskStatus.EXPIRED) return "Expired";
  return status === TaskStatus.CANCELED || status === TaskStatus.FINALIZED ? "AlreadyFinalized" : undefined;
};

function attempt(state: ModelState, { task: address, provider }: ActionOf<"attempt">, time: number): Outcome {
  const task = state.tasks.get(address);
  if (task === undefined) return revert("NotFound");
  const closed = whyClosed(task);
  if (closed !== undefined) return revert(closed);
  if (time > task.expiryTime) {
    changeTask(state, task, { status: TaskStatus.EXPIRED });
    return done(statusEvent(address, TaskStatus.EXPIRED));
  }
  if (task.attempts.some((each) => each.provider === provider)) return revert("AlreadyAttempted");
  const isFirst = task.status === TaskStatus.NEW;
  const attempts = [...task.attempts, { provider, response: undefined }];
  changeTask(state, task, { attempts, status: isFirst ? TaskStatus.ATTEMPTED : task.status });
  return isFirst ? done(statusEvent(address, TaskStatus.ATTEMPTED)) : done();
}

function submit(state: ModelState, action: ActionOf<"submit">, time: number): Outcome {
  const { response: address, provider, data, payment } = action;
  const task = state.tasks.get(action.task);
  if (task === undefined) return revert("NotFound");
  const closed = whyClosed(task);
  if (closed !== undefined) return revert(closed);
  if (time > task.expiryTime) return revert("Expired");
  if (!task.attempts.some((each) => each.provider === provider)) return revert("NotFound");
  const isFirst = task.status !== TaskStatus.RESPONDED;
  const isConfirmed = task.deliveryMethod === DeliveryMethod.FIRST_RESPONSE;
  const events: ModelEvent[] = [{ name: "ResponseSubmitted", first: address, second: task.address }];
  if (isFirst) events.push(statusEvent(task.address, TaskStatus.RESPONDED));
  if (isConfirmed) {
    events.push({ name: "ResponseStatusChanged", first: address, second: ResponseStatus.CONFIRMED });
    events.push(statusEvent(task.address, TaskStatus.FINALIZED));
  }
  const status = isConfirmed ? ResponseStatus.CONFIRMED : ResponseStatus.SUBMITTED;
  state.responses.set(address, { address, task: task.address, provider, data, payment, status, timestamp: time });
  changeTask(state, task, {
    status: isConfirmed ? TaskStatus.FINALIZED : TaskStatus.RESPONDED,
    attempts: task.attempts.map((each) => (each.provider === provider ? { provider, response: address } : each)),
  });
  return done(...events);
}

function confirm(state: ModelState, { response: address, sender }: ActionOf<"confirm">, time: number): Outcome {
  const response = state.responses.get(address);
  const task = response && state.tasks.get(response.task);
  const source = task && state.sources.get(task.source);
  if (response === undefined || task === undefined || source === undefined) return revert("");
  if (sender !== source.client && !state.agents.has(`${source.client}/${sender}`)) return revert("NotOwner");
  if (response.status === ResponseStatus.CONFIRMED) return revert("AlreadyConfirmed");
  if (task.status === TaskStatus.FINALIZED) return revert("AlreadyFinalized");
  if (time > task.expiryTime) return revert("Expired");
  state.responses.set(address, { ...response, status: ResponseStatus.CONFIRMED });
  changeTask(state, task, { status: TaskStatus.FINALIZED });
  return done(
    { name: "ResponseStatusChanged", first: address, second: ResponseStatus.CONFIRMED },
    statusEvent(task.address, TaskStatus.FINALIZED),
  );
}
