import { getAbiItem, toFunctionSelector } from "viem/utils";
import { controllerAbi, responseAbi, taskAbi } from "../protocol/abi.ts";
import type { AccountAddress, Hex, ResponseAddress, TaskAddress, UnixSeconds } from "../protocol/brand.ts";
import { unixSeconds, wei } from "../protocol/brand.ts";
import type { Response } from "../protocol/entities.ts";
import type { Simulation } from "./chainPort.ts";
import { type Read, read } from "./contractReads.ts";
import type { HttpRpc, RpcAnswer, RpcCall } from "./jsonRpc.ts";
import type { ResponseParams } from "./snapshot.ts";
import { toQuantity } from "./wire.ts";

/** @param gas What a confirmation is known to take; `undefined`: it is estimated, which costs the node more. */
export type PreviewAsk = {
  readonly task: TaskAddress;
  readonly response: ResponseAddress;
  readonly from: AccountAddress;
  readonly gas: bigint | undefined;
  /** Reads when the task's time is over, too. @default false */
  readonly withExpiry?: boolean;
};

/** A response as far as it decides whether it is the one that was approved. */
export type StandingResponse = Pick<Response, "task" | "provider" | "data" | "payment" | "status">;

/** What a confirmation would meet if it were sent now. */
export type Preview = {
  /** The block that was read. */
  readonly block: bigint;
  /** `undefined` where there is no such task in that block: nothing was tried then. */
  readonly taskStatus: number | undefined;
  /** `undefined` where there is none in that block. */
  readonly response: StandingResponse | undefined;
  readonly simulation: Simulation;
  /** Where it was asked. */
  readonly expiresAt?: UnixSeconds | undefined;
};

let selector: Hex | undefined;

/** The call that pays; the same bytes each time. */
export const confirmData = (response: ResponseAddress): Hex => {
  selector ??= toFunctionSelector(getAbiItem({ abi: controllerAbi, name: "confirmResponse" }));
  return `${selector}${response.slice(2).padStart(64, "0")}`;
};

/**
 * State and simulation of several confirmations, in one request. One that cannot be told is answered with its error.
 * @param simulate For what the known gas does not suffice, or whose call fails: the whole answer, at the whole price.
 */
export async function confirmPreviews(
  rpc: HttpRpc,
  controller: Hex,
  { asks, block }: { readonly asks: readonly PreviewAsk[]; readonly block: bigint },
  simulate: (ask: PreviewAsk) => Promise<Simulation>,
): Promise<readonly (Preview | Error)[]> {
  const parts = asks.map((ask) => ({ ask, reads: readsOf(ask, toQuantity(block)) }));
  const calls = parts.flatMap(({ ask, reads }) => [
    ...reads.map(({ call }) => call),
    ...simulationCall(ask, controller),
  ]);
  const answers = (await rpc.batch(calls)).values();
  const next = (): RpcAnswer => answers.next().value as RpcAnswer;
  return Promise.all(
    parts
      .map(({ ask, reads }) => {
        const state = reads.map(({ decode }) => {
          const answer = next();
          return () => decode(answer);
        });
        return { ask, state, simulated: ask.gas === undefined ? undefined : next() };
      })
      .map(({ ask, state, simulated }) => {
        const passes = simulated !== undefined && "result" in simulated;
        return toPreview({ ask, block, state, passes }, simulate);
      }),
  );
}

/** What was read and tried of one confirmation. */
type Found = {
  readonly ask: PreviewAsk;
  readonly block: bigint;
  /** In the order of `readsOf`. */
  readonly state: readonly (() => unknown)[];
  /** The call succeeded with the gas that is known to suffice. */
  readonly passes: boolean;
};

export async function toPreview(
  { ask, block, state, passes }: Found,
  simulate: (ask: PreviewAsk) => Promise<Simulation>,
): Promise<Preview | Error> {
  try {
    const [taskStatus, params, status, expiry] = state.map((decode) => decode()) as [
      number | undefined,
      ResponseParams | undefined,
      number | undefined,
      bigint | undefined,
    ];
    if (taskStatus === undefined) {
      return { block, taskStatus, response: undefined, simulation: { ok: false, reason: "there is no such task" } };
    }
    return {
      block,
      taskStatus,
      response: toStanding(params, status),
      expiresAt: expiry === undefined ? undefined : unixSeconds(expiry),
      simulation: passes && ask.gas !== undefined ? { ok: true, gas: ask.gas } : await simulate(ask),
    };
  } catch (error) {
    return error as Error;
  }
}

/** What is read of a confirmation's task and response. */
export const readsOf = (
  { task, response, withExpiry }: Pick<PreviewAsk, "task" | "response" | "withExpiry">,
  block: Hex,
): readonly Read<unknown>[] => [
  read<number>(taskAbi, task, "getStatus", [], block),
  read<ResponseParams>(responseAbi, response, "getResponseParams", [], block),
  read<number>(responseAbi, response, "getStatus", [], block),
  ...(withExpiry ? [read<bigint>(taskAbi, task, "getExpiryTime", [], block)] : []),
];

/** With a tenth more than is known to suffice; what is signed has a quarter more. */
const simulationCall = ({ from, response, gas }: PreviewAsk, to: Hex): readonly RpcCall[] =>
  gas === undefined
    ? []
    : [
        {
          method: "eth_call",
          params: [{ from, to, data: confirmData(response), gas: toQuantity((gas * 11n) / 10n) }, "latest"],
        },
      ];

export function toStanding(
  params: ResponseParams | undefined,
  status: number | undefined,
): StandingResponse | undefined {
  if (params === undefined || status === undefined) return undefined;
  return {
    task: params.task.toLowerCase() as TaskAddress,
    provider: params.provider.toLowerCase() as AccountAddress,
    data: params.data,
    payment: wei(params.payment),
    status,
  };
}
