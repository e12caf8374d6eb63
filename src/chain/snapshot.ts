import { responseAbi, sourceAbi, taskAbi } from "../protocol/abi.ts";
import type { AccountAddress, Hex, ResponseAddress, SourceAddress, TaskAddress } from "../protocol/brand.ts";
import { toAddress, unixSeconds, wei } from "../protocol/brand.ts";
import type { Response, Source, Task } from "../protocol/entities.ts";
import type { Head, Snapshot } from "./chainPort.ts";
import { type Read, read } from "./contractReads.ts";
import { type ListAnswer, listReads, readList } from "./responseList.ts";
import { blockCall, blockIn, toHead, toQuantity } from "./wire.ts";

type SourceParams = {
  readonly client: string;
  readonly minPayment: bigint;
  readonly minAvailableLockup: bigint;
  readonly maxExpiryDuration: bigint;
  readonly deliveryMethod: number;
};
type TaskParams = readonly [source: string, config: string, expiryTime: bigint, payment: bigint];
/** What a response's contract says of it. */
export type ResponseParams = {
  readonly task: string;
  readonly provider: string;
  readonly data: string;
  readonly payment: bigint;
};

/** The block itself; `undefined` where the node does not have it (yet), or answers with one of another number. */
export const blockRead = (block: Hex): Read<Head | undefined> => ({
  call: blockCall(block),
  decode: (answer) => {
    const result = blockIn(answer);
    const head = result === null ? undefined : toHead(result);
    return isTag(block) || head?.number === BigInt(block) ? head : undefined;
  },
});

/** "latest" and its like stand where a number does. */
const isTag = (block: string): boolean => !block.startsWith("0x");

export const sourceReads = (address: SourceAddress, block: Hex) =>
  [
    read<SourceParams>(sourceAbi, address, "getSourceParams", [], block),
    read<number>(sourceAbi, address, "getStatus", [], block),
  ] as const;

export function toSource(
  address: SourceAddress,
  params: SourceParams | undefined,
  status: number | undefined,
): Source | undefined {
  if (params === undefined || status === undefined) return undefined;
  return {
    address,
    client: toAddress<AccountAddress>(params.client),
    status,
    deliveryMethod: params.deliveryMethod,
    minPayment: wei(params.minPayment),
    minAvailableLockup: wei(params.minAvailableLockup),
    maxExpiryDuration: Number(params.maxExpiryDuration),
  };
}

const readsPerResponse = 3;

const responseReads = (address: ResponseAddress, block: Hex) => [
  read<ResponseParams>(responseAbi, address, "getResponseParams", [], block),
  read<number>(responseAbi, address, "getStatus", [], block),
  read<bigint>(responseAbi, address, "responseTimestamp", [], block),
];

/** Which responses there are follows from the list, which may take another request. */
type SnapshotRead = Pick<Snapshot, "block" | "task"> &
  ListAnswer & {
    /** The one that was asked about, which need not be the one that the task names; `undefined`: there is none. */
    readonly source: Source | undefined;
    /** Those that were asked about and that the task's list holds, in its order. */
    readonly responsesIn: (list: readonly ResponseAddress[]) => readonly Response[];
  };

/**
 * Everything a policy needs of a task, as one batch pinned to one block: the block, the source, the task, its responses,
 * and the list of all that there are.
 * `decode` answers `undefined` where the block or the task does not exist for this node. A response that does not
 * exist in that block (a reorg took it back), or that only says of itself that it is the task's, is left out.
 */
export function snapshotReads(
  task: TaskAddress,
  source: SourceAddress,
  responses: readonly ResponseAddress[],
  blockNumber: bigint,
): {
  readonly reads: readonly Read<unknown>[];
  readonly decode: (values: readonly unknown[]) => SnapshotRead | undefined;
} {
  const block = toQuantity(blockNumber);
  const reads: Read<unknown>[] = [
    blockRead(block),
    ...sourceReads(source, block),
    read<TaskParams>(taskAbi, task, "taskParams", [], block),
    read<number>(taskAbi, task, "getStatus", [], block),
    read<number>(taskAbi, task, "getDeliveryMethod", [], block),
    ...listReads(task, block),
    ...responses.flatMap((response) => responseReads(response, block)),
  ];
  const decode = (values: readonly unknown[]): SnapshotRead | undefined => {
    const [head, sourceParams, sourceStatus, params, status, deliveryMethod] = values as [
      Head | undefined,
      SourceParams | undefined,
      number | undefined,
      TaskParams | undefined,
      number | undefined,
      number | undefined,
    ];
    if (!head || !params || status === undefined || deliveryMethod === undefined) return undefined;
    const [named, config, expiryTime, payment] = params;
    const readTask: Task = {
      address: task,
      source: named.toLowerCase() as SourceAddress,
      config,
      expiryTime: unixSeconds(expiryTime),
      payment: wei(payment),
      deliveryMethod,
      status,
    };
    const places = new Map(responses.map((address, index) => [address, 8 + index * readsPerResponse]));
    return {
      block: head,
      task: readTask,
      source: toSource(source, sourceParams, sourceStatus),
      ...readList(values.slice(6, 8)),
      responsesIn: (list) =>
        list.flatMap((address) => {
          const from = places.get(address);
          return from === undefined ? [] : toResponse(address, values.slice(from, from + readsPerResponse));
        }),
    };
  };
  return { reads, decode };
}

function toResponse(address: ResponseAddress, values: readonly unknown[]): readonly Response[] {
  const [params, status, timestamp] = values as [ResponseParams | undefined, number | undefined, bigint | undefined];
  if (!params || status === undefined || timestamp === undefined) return [];
  return [
    {
      address,
      task: params.task.toLowerCase() as TaskAddress,
      provider: params.provider.toLowerCase() as AccountAddress,
      data: params.data,
      payment: wei(params.payment),
      status,
      submittedAt: unixSeconds(timestamp),
    },
  ];
}
