import { encodeFunctionData } from "viem";
import type { ChainPort } from "../chain/chainPort.ts";
import type { Confirmation, ConfirmationState, Journal } from "../journal/journal.ts";
import { controllerAbi } from "../protocol/abi.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import type { Hex, ResponseAddress, Wei } from "../protocol/brand.ts";
import { toNonce } from "../protocol/brand.ts";
import { explainRevert, isSettledElsewhere } from "../protocol/reverts.ts";
import { isClosed, ResponseStatus, statusName, TaskStatus } from "../protocol/statuses.ts";
import type { Signer, UnsignedTransaction } from "../signer/signerPort.ts";
import { feeCap } from "./fees.ts";

export type Admission =
  | { readonly type: "signed"; readonly confirmation: Confirmation }
  | { readonly type: "settled"; readonly confirmation: Confirmation }
  | { readonly type: "postponed"; readonly confirmation: Confirmation; readonly reason: string };

export type AdmitDeps = {
  readonly chain: ChainPort;
  readonly journal: Journal;
  readonly signer: Signer;
  readonly chainId: number;
  readonly controller: Hex;
  /** Wei per gas. */
  readonly maxFeePerGas: bigint;
  /** A dearer intent waits: the ceiling may be lower than when it was decided. */
  readonly maxPayment: Wei;
  readonly now: () => number;
};

/** Gas is what the simulation used and a quarter more. */
const withMargin = (gas: bigint): bigint => (gas * 5n) / 4n;

/** The call that pays; the same bytes each time. */
export const confirmData = (response: ResponseAddress): Hex =>
  encodeFunctionData({ abi: controllerAbi, functionName: "confirmResponse", args: [response] });

/**
 * Brings an intent to a signed, journalled transaction, or settles it without one.
 *
 * The status is read again and the call simulated before a nonce is taken, so that a doomed call takes none. Must not
 * run twice at the same time for one key: the nonce is read, then taken.
 *
 * @throws RetryableError if the endpoint does not answer; nothing was taken then.
 */
export async function admit(deps: AdmitDeps, id: number): Promise<Admission> {
  const { chain, journal, signer } = deps;
  const confirmation = await journal.confirmation(id);
  if (confirmation.state !== "intended") return { type: "signed", confirmation };
  const settle = async (state: ConfirmationState, reason: string): Promise<Admission> => {
    return { type: "settled", confirmation: await journal.changeConfirmation(id, { state, reason }) };
  };
  const postpone = (reason: string): Admission => ({ type: "postponed", confirmation, reason });

  const record = await journal.task(confirmation.task);
  if (record === undefined) return settle("dead", "its task is not in the journal");
  const { task, responses } = await chain.snapshot(record.task, record.source, [confirmation.response]);
  const [response] = responses;
  if (isClosed(task.status)) return settle("superseded", `the task is ${statusName(TaskStatus, task.status)}`);
  if (response === undefined) return postpone("the response is not on the chain at the moment");
  if (response.status !== ResponseStatus.SUBMITTED) return settle("superseded", "the response is confirmed already");
  if (response.payment !== confirmation.payment || response.task !== confirmation.task) {
    return settle("dead", "the response is not the one that was judged");
  }
  if (confirmation.payment > deps.maxPayment) {
    return postpone(`${formatOgpu(confirmation.payment)} is above sink.maxPayment (${formatOgpu(deps.maxPayment)})`);
  }

  const simulation = await chain.simulateConfirm(signer.address, confirmation.response);
  if (!simulation.ok) {
    const { reason } = simulation;
    if (isSettledElsewhere(reason)) return settle("superseded", explainRevert(reason));
    return settle(confirmation.attempts.length === 0 ? "rejected" : "dead", explainRevert(reason));
  }
  const fees = await chain.fees();
  if (feeCap(fees) > deps.maxFeePerGas) {
    return postpone(`gas costs ${feeCap(fees)} wei, above sink.maxFeePerGas`);
  }

  const mined = await chain.minedNonce(signer.address);
  const highest = await journal.highestNonce(signer.address);
  const nonce = toNonce(Math.max(mined, highest === undefined ? 0 : highest + 1));
  const transaction: UnsignedTransaction = {
    chainId: deps.chainId,
    to: deps.controller,
    data: confirmData(confirmation.response),
    nonce,
    gas: withMargin(simulation.gas),
    fees,
  };
  const { raw, hash } = await signer.sign(transaction);
  const signed = await journal.recordAttempt(id, signer.address, { hash, raw, nonce, signedAt: deps.now() });
  return { type: "signed", confirmation: signed };
}
