import type { ResponseAddress, TaskAddress, UnixSeconds } from "../protocol/brand.ts";
import { unixSeconds } from "../protocol/brand.ts";
import type { Head } from "./chainPort.ts";
import { readsOf, type StandingResponse, toStanding } from "./confirmPreviews.ts";
import type { HttpRpc, Missing } from "./jsonRpc.ts";
import { createReadInBlock } from "./readInBlock.ts";
import type { ResponseParams } from "./snapshot.ts";
import { toQuantity } from "./wire.ts";

/** A task and the response that a confirmation pays. */
export type PaymentAsk = { readonly task: TaskAddress; readonly response: ResponseAddress };

/** What of them decides whether the confirmation can be paid; `undefined` for each that the block does not have. */
export type PaymentStanding = {
  readonly taskStatus: number | undefined;
  readonly expiresAt: UnixSeconds | undefined;
  readonly response: StandingResponse | undefined;
};

/** Several of them, in the order asked for, as they stood in one block. */
export type PaymentStandings = { readonly block: Head; readonly standings: readonly PaymentStanding[] };

/** Reads them as one call, where the node does that. The reader rejects with RetryableError if the node does not have the block. */
export function createPaymentStandings(
  rpc: HttpRpc,
  now: () => number,
  missing: Missing,
): (payments: readonly PaymentAsk[], block: bigint) => Promise<PaymentStandings> {
  const readInBlock = createReadInBlock(rpc, now, missing);
  return async (payments, number) => {
    const at = toQuantity(number);
    const reads = payments.map(({ task, response }) => readsOf({ task, response, withExpiry: true }, at));
    const { block, found } = await readInBlock("what confirmations pay", reads, number);
    return { block, standings: found.map(toPaymentStanding) };
  };
}

function toPaymentStanding(answers: readonly unknown[]): PaymentStanding {
  const [taskStatus, params, status, expiry] = answers as [
    number | undefined,
    ResponseParams | undefined,
    number | undefined,
    bigint | undefined,
  ];
  const expiresAt = expiry === undefined ? undefined : unixSeconds(expiry);
  return { taskStatus, expiresAt, response: toStanding(params, status) };
}
