import { read, readAll, readOne } from "../chain/contractReads.ts";
import { type PageBounds, readStretch } from "../chain/pages.ts";
import { RetryableError } from "../errors.ts";
import { taskAbi } from "../protocol/abi.ts";
import { checksummed } from "../protocol/brand.ts";
import type { ClientContext } from "./context.ts";
import { InputError } from "./errors.ts";
import { latest, wrongContract } from "./identify.ts";
import { readAddress } from "./inputs.ts";
import { readResponses } from "./reads.ts";
import type { Address, Response } from "./types.ts";

export type ResponseRange = {
  /** Index of the first attempt. @default 0 */
  readonly lower?: number;
  /** Index after the last one. @default all */
  readonly upper?: number;
};

/**
 * The responses of a task, in the order in which their providers attempted it; attempts without a response are left out.
 *
 * @throws InputError if the address is no task, or `RANGE_INVALID`; RetryableError if the endpoint does not answer. One
 *   that cannot be read is an error, never left out.
 * @example
 * for (const { provider, payment, data } of await client.getTaskResponses(task)) {
 *   console.log(provider, formatOgpu(payment), data);
 * }
 */
export async function getTaskResponses(
  context: ClientContext,
  address: string,
  { lower = 0, upper }: ResponseRange = {},
): Promise<readonly Response[]> {
  const task = readAddress("the task", address);
  if (
    ![lower, upper ?? lower].every((bound) => Number.isSafeInteger(bound) && bound >= 0) ||
    (upper ?? lower) < lower
  ) {
    throw new InputError(`${lower} to ${upper} is no range of responses`, {
      code: "RANGE_INVALID",
      remedy: "give whole numbers, the lower one first",
    });
  }
  const attempts = await readOne(context.rpc, read<bigint>(taskAbi, task, "getAttemptCount", [], latest));
  if (attempts === undefined) throw await wrongContract(context, "task", task);
  const count = Math.min(Number(attempts), upper ?? Number.POSITIVE_INFINITY);
  const found = await addressesOf(context, task, lower, count);
  const responses = await readResponses(context, found.map(checksummed));
  return Promise.all(
    responses.map(async (response, index) => {
      if (response) return response;
      throw await wrongContract(context, "response", checksummed(found[index] ?? task));
    }),
  );
}

async function addressesOf(
  { rpc }: ClientContext,
  task: Address,
  lower: number,
  count: number,
): Promise<readonly Address[]> {
  const ask = (pages: readonly PageBounds[]) =>
    readAll(
      rpc,
      pages.map((page) => read<readonly string[]>(taskAbi, task, "getResponsesOf", page, latest)),
    );
  const found: Address[] = [];
  for (let from = lower; from < count; ) {
    const stretch = await readStretch<Address>(from, count, ask);
    found.push(...stretch.found);
    from = stretch.next;
    if (from < count && !stretch.more) {
      throw new RetryableError(`the node tells of ${count} attempts at ${task}, and has ${from} of them`, {
        code: "NODE_BEHIND",
        remedy: "ask again: it lags behind the one that counted",
      });
    }
  }
  return found;
}
