import type { RetryableError } from "../errors.ts";
import type { ResponseAddress, TaskAddress, UnixSeconds } from "../protocol/brand.ts";
import { unixSeconds } from "../protocol/brand.ts";
import type { Head } from "./chainPort.ts";
import { readsOf, type StandingResponse, toStanding } from "./confirmPreviews.ts";
import type { HttpRpc } from "./jsonRpc.ts";
import { createReadTogether } from "./readTogether.ts";
import { blockRead, type ResponseParams } from "./snapshot.ts";
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
  missing: (what: string, block: bigint) => RetryableError,
): (payments: readonly PaymentAsk[], block: bigint) => Promise<PaymentStandings> {
  const readTogether = createReadTogether(rpc, now);
  return async (payments, number) => {
    const block = toQuantity(number);
    const reads = payments.map(({ task, response }) => readsOf({ task, response, withExpiry: true }, block));
    const { values } = await readTogether([blockRead(block), ...reads.flat()], block);
    const [head, ...found] = values;
    if (head === undefined) throw missing("what confirmations pay", number);
    let from = 0;
    const standings = reads.map(({ length }) => {
      from += length;
      return toPaymentStanding(found.slice(from - length, from));
    });
    return { block: head as Head, standings };
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
