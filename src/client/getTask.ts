import type { ClientContext } from "./context.ts";
import { readAddress } from "./inputs.ts";
import { readSource, readTask } from "./reads.ts";
import type { SourceState, TaskState } from "./types.ts";

/**
 * A task as it stands on chain.
 * @throws InputError if the address is no task; RetryableError if the endpoint does not answer.
 * @example const { status, isExpired } = await client.getTask(task);
 */
export const getTask = async (context: ClientContext, address: string): Promise<TaskState> =>
  readTask(context, readAddress("the task", address));

/**
 * A source as it stands on chain.
 * @throws InputError if the address is no source of this network; RetryableError if the endpoint does not answer.
 * @example const { minPayment, maxExpiryDuration } = await client.getSource(source);
 */
export async function getSource(context: ClientContext, address: string): Promise<SourceState> {
  const {
    now: _now,
    vaultBalance: _vaultBalance,
    ...source
  } = await readSource(context, readAddress("the source", address));
  return source;
}
