import type { ChainPort, Snapshot } from "./chain/chainPort.ts";
import { RetryableError } from "./errors.ts";
import type { Journal, TaskRecord } from "./journal/journal.ts";
import type { TaskAddress } from "./protocol/brand.ts";
import type { ChainEvent } from "./protocol/events.ts";
import type { Reporter } from "./report.ts";

export type LookDeps = {
  readonly chain: Pick<ChainPort, "snapshot">;
  readonly journal: Pick<Journal, "task" | "intake">;
  readonly report: Reporter;
};

export type Looked = { readonly record: TaskRecord; readonly snapshot: Snapshot };

/**
 * The task as the journal and the chain have it; `undefined` where there is nothing to decide. Responses that the chain
 * knows and nobody has told of are taken in first, as the sweep takes them in: one of them may be the one to pay.
 *
 * @throws RetryableError if the chain could not be read, or changed its mind between two reads of one block.
 */
export async function lookAt({ chain, journal, report }: LookDeps, address: TaskAddress): Promise<Looked | undefined> {
  const record = await journal.task(address);
  if (!isUndecided(record)) return undefined;
  const snapshot = await chain.snapshot(address, record.source, record.responses);
  const { untold, block } = snapshot;
  if (untold.length === 0) return { record, snapshot };

  const responses = untold.map((response) => ({ response, task: address }));
  await journal.intake({ tasks: [], responses, touched: [] });
  report({ type: "intake", via: "look", tasks: 0, responses: responses.length, block: undefined });
  const known = await journal.task(address);
  if (!isUndecided(known)) return undefined;
  const whole = await chain.snapshot(address, known.source, known.responses, block.number);
  if (whole.untold.length === 0) return { record: known, snapshot: whole };
  const message = `task ${address} has responses in block ${block.number} that no event has told of, and they change`;
  throw new RetryableError(message, { code: "NODE_BEHIND" });
}

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
