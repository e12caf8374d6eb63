import { read, readAll, readOne } from "../chain/contractReads.ts";
import { blockRead } from "../chain/snapshot.ts";
import { nexusAbi, responseAbi, sourceAbi, taskAbi, terminalAbi, vaultAbi } from "../protocol/abi.ts";
import { checksummed } from "../protocol/brand.ts";
import { hasEnded } from "../protocol/statuses.ts";
import type { ClientContext } from "./context.ts";
import { RefusedError } from "./errors.ts";
import { latest, wrongContract } from "./identify.ts";
import type { Address, Response, SourceState, TaskState } from "./types.ts";

type SourceParams = {
  readonly client: string;
  readonly imageMetadataUrl: string;
  readonly minPayment: bigint;
  readonly minAvailableLockup: bigint;
  readonly maxExpiryDuration: bigint;
  readonly deliveryMethod: number;
};

/** A source with what decides whether something may be done with it. */
export type SourceSight = SourceState & {
  /** Unix seconds, by the chain's clock. */
  readonly now: number;
  /** The client's free balance in the Vault, wei. */
  readonly vaultBalance: bigint;
};

/** @throws InputError `NO_CONTRACT` or `WRONG_CONTRACT` if it is no source of this network. */
export async function readSource(context: ClientContext, address: Address): Promise<SourceSight> {
  const { rpc, contracts } = context;
  const [block, id, params, status] = await readAll(rpc, [
    blockRead(latest),
    read<bigint>(nexusAbi, contracts.nexus, "getSourceId", [address], latest),
    read<SourceParams>(sourceAbi, address, "getSourceParams", [], latest),
    read<number>(sourceAbi, address, "getStatus", [], latest),
  ] as const);
  if (!block || !id || !params || status === undefined) throw await wrongContract(context, "source", address);
  const balance = read<bigint>(vaultAbi, contracts.vault, "getBalanceOf", [params.client], latest);
  const vaultBalance = await readOne(rpc, balance);
  return {
    address,
    client: checksummed(params.client),
    status,
    deliveryMethod: params.deliveryMethod,
    minPayment: params.minPayment,
    minAvailableLockup: params.minAvailableLockup,
    maxExpiryDuration: Number(params.maxExpiryDuration),
    imageMetadataUrl: params.imageMetadataUrl,
    now: Number(block.timestamp),
    vaultBalance: vaultBalance ?? 0n,
  };
}

type TaskParams = readonly [source: string, config: string, expiryTime: bigint, payment: bigint];

/** @throws InputError `NO_CONTRACT` or `WRONG_CONTRACT` if it is no task. */
export async function readTask(context: ClientContext, address: Address): Promise<TaskState> {
  const { rpc } = context;
  const [block, params, status, deliveryMethod] = await readAll(rpc, [
    blockRead(latest),
    read<TaskParams>(taskAbi, address, "taskParams", [], latest),
    read<number>(taskAbi, address, "getStatus", [], latest),
    read<number>(taskAbi, address, "getDeliveryMethod", [], latest),
  ] as const);
  if (!block || !params || status === undefined || deliveryMethod === undefined) {
    throw await wrongContract(context, "task", address);
  }
  const [source, config, expiry, payment] = params;
  const client = await readOne(rpc, read<string>(sourceAbi, checksummed(source), "getClient", [], latest));
  if (client === undefined) throw await wrongContract(context, "source", checksummed(source));
  const expiryTime = Number(expiry);
  return {
    address,
    source: checksummed(source),
    client: checksummed(client),
    config,
    expiryTime,
    payment,
    status,
    deliveryMethod,
    isExpired: hasEnded({ expiryTime }, Number(block.timestamp)),
  };
}

type ResponseParams = {
  readonly task: string;
  readonly provider: string;
  readonly data: string;
  readonly payment: bigint;
};

const responseReads = (address: Address) =>
  [
    read<ResponseParams>(responseAbi, address, "getResponseParams", [], latest),
    read<number>(responseAbi, address, "getStatus", [], latest),
    read<bigint>(responseAbi, address, "responseTimestamp", [], latest),
    read<boolean>(responseAbi, address, "confirmedFinal", [], latest),
  ] as const;

const readsPerResponse = 4;

/** Responses in one request, in order; `undefined` for each that is none. */
export async function readResponses(
  { rpc }: ClientContext,
  addresses: readonly Address[],
): Promise<readonly (Response | undefined)[]> {
  const answers: readonly unknown[] = await readAll(rpc, addresses.flatMap(responseReads));
  return addresses.map((address, index) => {
    const from = index * readsPerResponse;
    const [params, status, timestamp, confirmed] = answers.slice(from, from + readsPerResponse) as [
      ResponseParams | undefined,
      number | undefined,
      bigint | undefined,
      boolean | undefined,
    ];
    if (!params || status === undefined || timestamp === undefined || confirmed === undefined) return undefined;
    const { task, provider, data, payment } = params;
    return {
      address: checksummed(address),
      task: checksummed(task),
      provider: checksummed(provider),
      data,
      payment,
      status,
      timestamp: Number(timestamp),
      confirmed,
    };
  });
}

/** @throws InputError `NO_CONTRACT` or `WRONG_CONTRACT` if it is no response. */
export async function readResponse(context: ClientContext, address: Address): Promise<Response> {
  const [response] = await readResponses(context, [address]);
  if (response === undefined) throw await wrongContract(context, "response", address);
  return response;
}

/** @throws RefusedError `NOT_ALLOWED` if the signer is neither the client nor its agent. */
export async function requireActsFor(
  { rpc, contracts }: ClientContext,
  signer: string,
  client: Address,
  what: string,
): Promise<void> {
  if (signer.toLowerCase() === client.toLowerCase()) return;
  const call = read<boolean>(terminalAbi, contracts.terminal, "getIsAgentOf", [client, signer], latest);
  if (await readOne(rpc, call)) return;
  throw new RefusedError(`${what} belongs to ${client}; ${checksummed(signer)} is neither that client nor its agent`, {
    code: "NOT_ALLOWED",
    remedy: `sign with the client's key, or have the client authorise this one: agent set ${checksummed(signer)}`,
  });
}
