import type { ChainPort, Snapshot } from "./chain/chainPort.ts";
import { olderThanRead } from "./chain/farBehind.ts";
import { RetryableError } from "./errors.ts";
import type { Journal, TaskRecord } from "./journal/journal.ts";
import type { SourceAddress, TaskAddress } from "./protocol/brand.ts";
import type { ChainEvent } from "./protocol/events.ts";
import type { Reporter } from "./report.ts";

export type LookDeps = {
  readonly chain: Pick<ChainPort, "snapshot">;
  readonly journal: Pick<Journal, "cursor" | "task" | "intake" | "settleTask">;
  /** Whether a source's tasks are the daemon's. @throws RetryableError if the chain did not answer. */
  readonly isWatched: (source: SourceAddress, since: bigint) => Promise<boolean>;
  readonly report: Reporter;
};

/** The record's source is the one that the task names. */
export type Looked = { readonly record: TaskRecord; readonly snapshot: Snapshot };

/**
 * The task as the journal and the chain have it; `undefined` where there is nothing to decide. What the chain's state says
 * otherwise than events did is taken in first, as the sweep takes it in: responses that nobody has told of, one of which may
 * be the one to pay, and another source, by which another policy may be meant.
 *
 * @throws RetryableError if the chain could not be read, changed its mind between two reads of one block, or has hung behind.
 */
export async function lookAt(deps: LookDeps, address: TaskAddress): Promise<Looked | undefined> {
  const { chain, journal, report } = deps;
  const [scanned, record] = await Promise.all([journal.cursor(), journal.task(address)]);
  if (!isUndecided(record)) return undefined;
  const snapshot = await chain.snapshot(address, record.source, record.responses);
  const outdated = olderThanRead(snapshot.block.number, scanned);
  if (outdated) throw outdated;
  if (isAsKnown(record, snapshot)) return { record, snapshot };

  const { task, untold, block } = snapshot;
  const isRelinked = task.source !== record.source;
  if (isRelinked && !(await deps.isWatched(task.source, block.number))) {
    const end = { state: "ignored", reason: `its source is ${task.source}, which is not watched` } as const;
    await journal.settleTask(address, end.state, end.reason, block.number);
    report({ type: "task", task: address, ...end });
    return undefined;
  }
  const tasks = isRelinked ? [{ task: address, source: task.source }] : [];
  const responses = untold.map((response) => ({ response, task: address }));
  await journal.intake({ tasks, responses, touched: [], isState: true });
  report({ type: "intake", via: "look", tasks: tasks.length, responses: responses.length, block: undefined });
  const known = await journal.task(address);
  if (!isUndecided(known)) return undefined;
  const whole = await chain.snapshot(address, known.source, known.responses, block.number);
  if (isAsKnown(known, whole)) return { record: known, snapshot: whole };
  const what = `responses in block ${block.number} that no event has told of, or another source`;
  throw new RetryableError(`task ${address} has ${what}, and they change`, { code: "NODE_BEHIND" });
}

const isAsKnown = ({ source }: TaskRecord, { task, untold }: Snapshot): boolean =>
  task.source === source && untold.length === 0;

/**
 * Begins to read from the chain what the look at a single response will ask for, before the journal knows of the response:
 * the node works meanwhile. Decides nothing, and leaves to the look whatever goes wrong.
 */
export async function lookAhead(
  { chain, journal }: { readonly chain: Pick<ChainPort, "lookAhead">; readonly journal: Pick<Journal, "glance"> },
  events: readonly ChainEvent[],
): Promise<void> {
  const [submitted, ...others] = events.filter((event) => event.type === "ResponseSubmitted");
  if (chain.lookAhead === undefined || submitted === undefined || others.length > 0) return;
  const { task, response } = submitted;
  const known = await journal.glance(task).catch(() => undefined);
  if (known === undefined) return;
  // In the order in which the journal will list them.
  chain.lookAhead(task, known.source, [...new Set([...known.responses, response])].sort());
}

const isUndecided = (record: TaskRecord | undefined): record is TaskRecord =>
  record?.state === "open" && record.confirmation === undefined;
