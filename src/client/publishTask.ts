import { formatOgpu } from "../protocol/amounts.ts";
import { SourceStatus } from "../protocol/statuses.ts";
import { calls } from "./calls.ts";
import type { ClientContext } from "./context.ts";
import { InputError, RefusedError } from "./errors.ts";
import { readAddress, readAmount, readTaskConfig, readTime } from "./inputs.ts";
import { minePublication } from "./minePublication.ts";
import { publishedTask } from "./published.ts";
import { publishToIpfs } from "./publishToIpfs.ts";
import { readSource, requireActsFor, type SourceSight } from "./reads.ts";
import { signerOf } from "./signerOf.ts";
import type { Address, MinedTransaction, TaskInfo, WriteOptions } from "./types.ts";

export type PublishedTask = MinedTransaction & { readonly task: Address };

/**
 * Publishes a task: uploads its input, and freezes the payment in the Vault.
 *
 * @throws InputError if the address is no source of this network, for a config that nobody could read (`TASK_INFO_INVALID`), an expiry in the past (`EXPIRY_PAST`) or beyond the
 *   source's maximum (`EXPIRY_TOO_FAR`), and for a payment under its minimum (`PAYMENT_TOO_LOW`); RefusedError if the
 *   source is somebody else's (`NOT_ALLOWED`) or closed (`SOURCE_INACTIVE`), or the client's balance in the Vault is too
 *   low (`VAULT_UNFUNDED`); RetryableError `UPLOAD_FAILED`: all before any gas is spent. Once it is signed: NotMinedError if it is
 *   not mined in time (do not publish it again then, but wait on with `waitForTransaction`); TransactionFailedError if it
 *   reverted; AddressUnknownError if it is mined, and no endpoint tells the task's address.
 * @example
 * const { task } = await client.publishTask({
 *   source,
 *   config: { function_name: "sentiment", data: { text: "I love this product!" } },
 *   expiryTime: Math.floor(Date.now() / 1000) + 3_600,
 *   payment: "0.01 OGPU",
 * });
 */
export async function publishTask(
  context: ClientContext,
  info: TaskInfo,
  options: WriteOptions = {},
): Promise<PublishedTask> {
  const signer = signerOf(context, options);
  const source = readAddress("the source", info.source);
  const payment = readAmount("the payment", info.payment);
  const expiryTime = readTime("the expiry time", info.expiryTime);
  const input = readTaskConfig(info.config);
  const check = (rpc = context.rpc) =>
    requirePublishable({ ...context, rpc }, signer.address, { source, payment, expiryTime });
  await check();
  const config =
    typeof input === "string" ? input : await publishToIpfs(context, input, { filename: "taskConfig.json" });
  const call = calls.publishTask(context.contracts, { source, config, expiryTime: BigInt(expiryTime), payment });
  const what = `the publication of a task on ${source}`;
  const transaction = { what, ...call, check };
  const lane = context.laneOf(signer);
  const { address: task, ...mined } = await minePublication(context, lane, transaction, publishedTask, options);
  return { ...mined, task };
}

type Terms = { readonly payment: bigint; readonly expiryTime: number };

/**
 * The source, if the chain as it is now lets a task with these terms be published on it.
 * @throws as `publishTask`, before anything is uploaded or signed.
 */
export async function requirePublishable(
  context: ClientContext,
  signer: string,
  { source, ...terms }: Terms & { readonly source: Address },
): Promise<SourceSight> {
  const sight = await readSource(context, source);
  await requireActsFor(context, signer, sight.client, `the source ${source}`);
  requireTerms(sight, terms);
  return sight;
}

function requireTerms(source: SourceSight, { payment, expiryTime }: Terms): void {
  const { address, status, now, maxExpiryDuration, minPayment, client, vaultBalance } = source;
  if (status !== SourceStatus.ACTIVE) {
    throw new RefusedError(`the source ${address} is inactive`, {
      code: "SOURCE_INACTIVE",
      remedy: "publish the task on a source that is active",
    });
  }
  if (expiryTime <= now) {
    throw new InputError(`the expiry time ${timeOf(expiryTime)} is past: the chain's clock says ${timeOf(now)}`, {
      code: "EXPIRY_PAST",
      remedy: `give a time between ${now} and ${now + maxExpiryDuration} (unix seconds)`,
    });
  }
  if (expiryTime > now + maxExpiryDuration) {
    const most = `${maxExpiryDuration} s, until ${timeOf(now + maxExpiryDuration)}`;
    throw new InputError(
      `the expiry time ${timeOf(expiryTime)} is too far: the source ${address} lets a task run ${most}`,
      {
        code: "EXPIRY_TOO_FAR",
        remedy: `give a time no later than ${now + maxExpiryDuration} (unix seconds)`,
      },
    );
  }
  if (payment < minPayment) {
    throw new InputError(
      `${formatOgpu(payment)} is under the minimum of the source ${address}: ${formatOgpu(minPayment)}`,
      {
        code: "PAYMENT_TOO_LOW",
        remedy: `pay ${formatOgpu(minPayment)} or more`,
      },
    );
  }
  if (payment > vaultBalance) {
    throw new RefusedError(
      `the client ${client} has ${formatOgpu(vaultBalance)} in the Vault; the task would freeze ${formatOgpu(payment)}`,
      {
        code: "VAULT_UNFUNDED",
        remedy: `deposit ${formatOgpu(payment - vaultBalance)} or more: Vault.deposit(${client})`,
      },
    );
  }
}

const timeOf = (seconds: number): string => `${seconds} (${new Date(seconds * 1_000).toISOString()})`;
