import { encodeFunctionData } from "viem";
import type { ChainPort, Fees } from "../chain/chainPort.ts";
import type { Attempt, Confirmation, ConfirmationState, Journal } from "../journal/journal.ts";
import { controllerAbi } from "../protocol/abi.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import type { Hex, Nonce, ResponseAddress, Wei } from "../protocol/brand.ts";
import { toNonce } from "../protocol/brand.ts";
import type { Signer } from "../signer/signerPort.ts";
import { feeCap } from "./fees.ts";
import { payable } from "./payable.ts";

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

/** Signs one attempt and has it durable before anybody can send it. */
export async function signAttempt(
  { signer, journal, chainId, now }: AdmitDeps,
  { id }: Confirmation,
  call: { readonly kind: Attempt["kind"]; readonly to: Hex; readonly data: Hex; readonly gas: bigint },
  { nonce, fees }: { readonly nonce: Nonce; readonly fees: Fees },
): Promise<Confirmation> {
  const { kind, ...transaction } = call;
  const { raw, hash } = await signer.sign({ ...transaction, chainId, nonce, fees });
  return journal.recordAttempt(id, signer.address, { kind, hash, raw, nonce, signedAt: now() });
}

/**
 * Brings an intent to a signed, journalled transaction, or settles it without one.
 *
 * The state is read again and the call simulated before a nonce is taken, so that a doomed call takes none. Must not run
 * twice at the same time for one key: the nonce is read, then taken.
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

  if (confirmation.payment > deps.maxPayment) {
    return postpone(`${formatOgpu(confirmation.payment)} is above sink.maxPayment (${formatOgpu(deps.maxPayment)})`);
  }
  const check = await payable(deps, confirmation, signer.address);
  switch (check.type) {
    case "settled":
      return settle("superseded", check.reason);
    case "refused":
      return settle(confirmation.attempts.length === 0 ? "rejected" : "cancelled", check.reason);
    case "not-now":
      return postpone(check.reason);
    case "yes":
  }
  const fees = await chain.fees();
  if (feeCap(fees) > deps.maxFeePerGas) {
    return postpone(`gas costs ${feeCap(fees)} wei, above sink.maxFeePerGas`);
  }

  const mined = await chain.minedNonce(signer.address);
  const highest = await journal.highestNonce(signer.address);
  const nonce = toNonce(Math.max(mined, highest === undefined ? 0 : highest + 1));
  const call = { to: deps.controller, data: confirmData(confirmation.response), gas: withMargin(check.gas) };
  return {
    type: "signed",
    confirmation: await signAttempt(deps, confirmation, { kind: "confirm", ...call }, { nonce, fees }),
  };
}
