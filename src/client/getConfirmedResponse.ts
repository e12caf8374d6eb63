import { read, readOne } from "../chain/contractReads.ts";
import { RetryableError } from "../errors.ts";
import { taskAbi } from "../protocol/abi.ts";
import { checksummed, zeroAddress } from "../protocol/brand.ts";
import type { ClientContext } from "./context.ts";
import { getTaskResponses } from "./getTaskResponses.ts";
import { latest, wrongContract } from "./identify.ts";
import { readAddress } from "./inputs.ts";
import { requireTimeout, requireUrl } from "./options.ts";
import { readResponse, readResponses } from "./reads.ts";
import type { Address, ConfirmedResponse } from "./types.ts";

export type ConfirmedOptions = {
  /**
   * The network's management API (`https://management-backend.opengpu.network`), to be asked for the address in place of
   * the task's own list. What it names is read from the chain all the same. @default the chain alone
   */
  readonly api?: string;
  /** Milliseconds, for the API. @default 10_000 */
  readonly timeoutMs?: number;
};

/**
 * The confirmed response of a task; `undefined` while there is none.
 *
 * @throws InputError if the address is no task, or `OPTION_INVALID`; RetryableError if the endpoint, or the API, does not answer.
 * @example
 * const confirmed = await client.getConfirmedResponse(task);
 * if (confirmed) console.log(await client.fetchJson(confirmed.data));
 */
export async function getConfirmedResponse(
  context: ClientContext,
  address: string,
  options: ConfirmedOptions = {},
): Promise<ConfirmedResponse | undefined> {
  const task = readAddress("the task", address);
  if (options.api !== undefined) return byApi(context, task, { ...options, api: options.api });
  const winner = await winnerOf(context, task);
  if (winner?.confirmed) return { address: winner.address, data: winner.data };
  const confirmed = (await getTaskResponses(context, task)).find((response) => response.confirmed);
  return confirmed && { address: confirmed.address, data: confirmed.data };
}

async function winnerOf(context: ClientContext, task: Address) {
  const one = <T>(functionName: string, args: readonly unknown[]) =>
    readOne(context.rpc, read<T>(taskAbi, task, functionName, args, latest));
  const provider = await one<string>("winningProvider", []);
  if (provider === undefined || provider === zeroAddress) return undefined;
  const response = await one<string>("responseOf", [provider]);
  if (response === undefined || response === zeroAddress) return undefined;
  return (await readResponses(context, [checksummed(response)]))[0];
}

async function byApi(
  context: ClientContext,
  task: Address,
  { api, timeoutMs = 10_000 }: ConfirmedOptions & { readonly api: string },
): Promise<ConfirmedResponse | undefined> {
  requireTimeout(timeoutMs);
  requireUrl("api", api);
  const { host } = new URL(api);
  const failed = (why: string) =>
    new RetryableError(`the API at ${host} does not tell of ${task}: ${why}`, {
      code: "API_FAILED",
      remedy: "leave `api` out: the chain knows the confirmed response itself",
    });
  let named: unknown;
  try {
    const response = await fetch(`${api.replace(/\/$/, "")}/api/tasks/${task}`, {
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) throw failed(`HTTP ${response.status}`);
    named = ((await response.json()) as { data?: { address?: unknown } } | null)?.data?.address;
  } catch (error) {
    throw error instanceof RetryableError ? error : failed((error as Error).name);
  }
  if (named === undefined || named === null) throw failed("its answer holds no address");
  const found = await readResponse(context, readAddress("the API's response", String(named)));
  if (found.task !== task) throw await wrongContract(context, "response", found.address);
  return found.confirmed ? { address: found.address, data: found.data } : undefined;
}
