import { statusName, TaskStatus } from "../protocol/statuses.ts";
import { calls } from "./calls.ts";
import type { ClientContext } from "./context.ts";
import { RefusedError } from "./errors.ts";
import { readAddress } from "./inputs.ts";
import { readTask, requireActsFor } from "./reads.ts";
import { signerOf } from "./signerOf.ts";
import type { Address, MinedTransaction, TaskState, WriteOptions } from "./types.ts";

/**
 * Cancels a task that nobody has attempted; its payment is free again.
 *
 * @throws InputError if the address is no task; RefusedError `NOT_ALLOWED` if it is somebody else's, `NOT_CANCELABLE` if a
 *   provider has attempted it, `TASK_CLOSED` if it is settled. All before any gas is spent.
 * @example await client.cancelTask(task);
 */
export async function cancelTask(
  context: ClientContext,
  address: string,
  options: WriteOptions = {},
): Promise<MinedTransaction> {
  const signer = signerOf(context, options);
  const task = readAddress("the task", address);
  const check = (rpc = context.rpc) => requireCancelable({ ...context, rpc }, signer.address, task);
  const call = calls.cancelTask(context.contracts, task);
  const what = `the cancellation of the task ${task}`;
  return context.laneOf(signer).mine({ what, ...call, check, key: `task ${task}` }, options);
}

/**
 * The task, if the chain as it is now lets it be cancelled.
 * @throws as `cancelTask`, before anything is signed.
 */
export async function requireCancelable(context: ClientContext, signer: string, address: Address): Promise<TaskState> {
  const task = await readTask(context, address);
  const { client, status } = task;
  await requireActsFor(context, signer, client, `the task ${address}`);
  if (status === TaskStatus.NEW) return task;
  const isOpen = status === TaskStatus.ATTEMPTED || status === TaskStatus.RESPONDED;
  throw new RefusedError(
    `the task ${address} is ${statusName(TaskStatus, status)}, and only a NEW one can be cancelled`,
    {
      code: isOpen ? "NOT_CANCELABLE" : "TASK_CLOSED",
      remedy: isOpen
        ? "let it expire, or confirm one of its responses"
        : "nothing is left to do: its payment is settled",
    },
  );
}
