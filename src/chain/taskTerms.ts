import { taskAbi } from "../protocol/abi.ts";
import { type Hex, type SourceAddress, type TaskAddress, unixSeconds } from "../protocol/brand.ts";
import type { Task } from "../protocol/entities.ts";
import type { Head } from "./chainPort.ts";
import { read } from "./contractReads.ts";
import type { HttpRpc, Missing } from "./jsonRpc.ts";
import { createReadInBlock } from "./readInBlock.ts";
import { toQuantity } from "./wire.ts";

/** What of a task decides whether there is anything to do for it. */
export type TaskTerms = Pick<Task, "source" | "status" | "expiryTime" | "deliveryMethod">;

/** Several tasks as they stood in one block. */
export type TermsAt = {
  readonly block: Head;
  /** In the order asked for; `undefined` for each that the node does not have. */
  readonly terms: readonly (TaskTerms | undefined)[];
};

/** Reads them as one call, where the node does that. The reader rejects with RetryableError if the node does not have the block. */
export function createTaskTerms(
  rpc: HttpRpc,
  now: () => number,
  missing: Missing,
): (tasks: readonly TaskAddress[], block: bigint) => Promise<TermsAt> {
  const readInBlock = createReadInBlock(rpc, now, missing);
  return async (tasks, number) => {
    const at = toQuantity(number);
    const reads = tasks.map((task) => readsOf(task, at));
    const { block, found } = await readInBlock("settled tasks", reads, number);
    return { block, terms: found.map(toTerms) };
  };
}

const readsOf = (task: TaskAddress, block: Hex) => [
  read<string>(taskAbi, task, "getSource", [], block),
  read<number>(taskAbi, task, "getStatus", [], block),
  read<bigint>(taskAbi, task, "getExpiryTime", [], block),
  read<number>(taskAbi, task, "getDeliveryMethod", [], block),
];

function toTerms(answers: readonly unknown[]): TaskTerms | undefined {
  if (answers.includes(undefined)) return undefined;
  const [source, status, expiryTime, deliveryMethod] = answers as [string, number, bigint, number];
  return {
    source: source.toLowerCase() as SourceAddress,
    status,
    expiryTime: unixSeconds(expiryTime),
    deliveryMethod,
  };
}
