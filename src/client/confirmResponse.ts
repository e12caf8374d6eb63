import { read, readOne } from "../chain/contractReads.ts";
import { taskAbi } from "../protocol/abi.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { isClosed, statusName, TaskStatus } from "../protocol/statuses.ts";
import { requireNotSent, requireSameElsewhere } from "./beforeConfirming.ts";
import { calls } from "./calls.ts";
import type { ClientContext } from "./context.ts";
import { InputError, RefusedError } from "./errors.ts";
import { latest } from "./identify.ts";
import { readAddress, readAmount } from "./inputs.ts";
import type { Transaction } from "./lane/transaction.ts";
import { readResponse, readTask, requireActsFor } from "./reads.ts";
import { type Judged, requireSame } from "./requireSame.ts";
import { signerOf } from "./signerOf.ts";
import type { Address, Amount, MinedTransaction, Response, TaskState, WriteOptions } from "./types.ts";

export type ConfirmOptions = WriteOptions & {
  /** The most to pay; a dearer response is refused. @default whatever the response asks */
  readonly maxPayment?: Amount;
  /**
   * What was read of the response and judged. After a reorg another provider's may stand at its address: that one is refused,
   * also while a transaction that was sent is not mined yet. @default what stands there when the call begins
   */
  readonly expected?: Judged;
};

export type Confirmation = MinedTransaction & {
  readonly response: Address;
  readonly task: Address;
  readonly provider: Address;
  /** Wei. */
  readonly payment: bigint;
};

/**
 * Confirms a response, which pays its provider. It cannot be undone.
 *
 * Nothing is signed unless the chain, as it is now, would let it be mined; it is checked again before every time that it
 * is sent again. A task has one confirmation in flight: the same call joins it, and one for another response is refused.
 *
 * @throws InputError if the address is no response; RefusedError `ALREADY_CONFIRMED`, `TASK_CLOSED`, `EXPIRED`,
 *   `NOT_ALLOWED`, `NOT_FOUND`, `PAYMENT_ABOVE_LIMIT`, `RESPONSE_CHANGED`, `ALREADY_SENT`; RetryableError
 *   `ENDPOINTS_DISAGREE`: all before any gas is spent. NotMinedError if it is not mined in time, and still may be.
 * @example const { hash, payment } = await client.confirmResponse(response, { maxPayment: "0.01 OGPU" });
 */
export async function confirmResponse(
  context: ClientContext,
  address: string,
  options: ConfirmOptions = {},
): Promise<Confirmation> {
  return confirmRecorded(context, address, options);
}

/** The same, for a caller that keeps what is signed. @param record See `Transaction`. @throws as `confirmResponse`. */
export async function confirmRecorded(
  context: ClientContext,
  address: string,
  options: ConfirmOptions,
  record?: Transaction["record"],
): Promise<Confirmation> {
  const signer = signerOf(context, options);
  const response = readAddress("the response", address);
  const found = await readResponse(context, response);
  const { expected = found } = options;
  requireSame(response, expected, found);
  const { task, provider, payment } = found;
  // Also where it only joins a confirmation that another call, with another limit, has in flight.
  if (!found.confirmed) requireAffordable(found, options.maxPayment);
  const lane = context.laneOf(signer);
  const call = calls.confirmResponse(context.contracts, response);
  const check = async (rpc = context.rpc) =>
    void (await requireConfirmable({ ...context, rpc }, signer.address, response, { ...options, expected }));
  const before = async () => {
    await requireSameElsewhere(context, response, expected);
    await requireNotSent(context, lane, { response, task });
  };
  const what = `the confirmation of ${response}`;
  const transaction = { what, ...call, check, before, key: `task ${task}`, ...(record && { record }) };
  const mined = await lane.mine(transaction, options);
  return { ...mined, response, task, provider, payment };
}

/**
 * What a confirmation would pay, if the chain as it is now lets it be mined.
 * @throws as `confirmResponse`, before anything is signed.
 */
export async function requireConfirmable(
  context: ClientContext,
  signer: string,
  address: Address,
  { maxPayment, expected }: Pick<ConfirmOptions, "maxPayment" | "expected"> = {},
): Promise<{ readonly response: Response; readonly task: TaskState }> {
  const response = await readResponse(context, address);
  if (expected !== undefined) requireSame(address, expected, response);
  const task = await readTask(context, response.task);
  const listed = read<string>(taskAbi, task.address, "responseOf", [response.provider], latest);
  const ofTask = await readOne(context.rpc, listed);
  if (ofTask?.toLowerCase() !== address.toLowerCase()) {
    throw new InputError(`${address} says that it answers the task ${task.address}, which does not know it`, {
      code: "NOT_FOUND",
      remedy: "confirm one of the responses that the task lists",
    });
  }
  await requireActsFor(context, signer, task.client, `the task ${task.address}`);
  if (response.confirmed) {
    throw new RefusedError(`the response ${address} is confirmed already`, {
      code: "ALREADY_CONFIRMED",
      remedy: "nothing is left to do: it was paid",
    });
  }
  if (isClosed(task.status)) {
    const status = statusName(TaskStatus, task.status);
    throw new RefusedError(`the task ${task.address} is ${status}`, {
      code: task.status === TaskStatus.EXPIRED ? "EXPIRED" : "TASK_CLOSED",
      remedy: "a task is settled once; nothing more can be paid for it",
    });
  }
  if (task.isExpired) {
    throw new RefusedError(`the task ${task.address} expired at ${new Date(task.expiryTime * 1_000).toISOString()}`, {
      code: "EXPIRED",
      remedy: "its time is over by the chain's clock; publish it anew",
    });
  }
  requireAffordable(response, maxPayment);
  return { response, task };
}

function requireAffordable({ address, payment }: Response, maxPayment: Amount | undefined): void {
  if (maxPayment === undefined) return;
  const most = readAmount("maxPayment", maxPayment);
  if (payment <= most) return;
  throw new RefusedError(`the response ${address} asks ${formatOgpu(payment)}, more than ${formatOgpu(most)}`, {
    code: "PAYMENT_ABOVE_LIMIT",
    remedy: "confirm a cheaper response, or raise maxPayment",
  });
}
