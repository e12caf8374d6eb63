import type { ChainPort, Snapshot } from "./chain/chainPort.ts";
import { RetryableError } from "./errors.ts";
import type { Journal, TaskRecord } from "./journal/journal.ts";
import type { TaskAddress } from "./protocol/brand.ts";
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
  const isUndecided = (record: TaskRecord | undefined): record is TaskRecord =>
    record?.state === "open" && record.confirmation === undefined;
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
