import type { Fees } from "../chain/chainPort.ts";
import { FatalError } from "../errors.ts";
import type { Attempt, Confirmation, Journal, NewAttempt } from "../journal/journal.ts";
import type { Fence } from "../journal/leaseJournal.ts";
import type { Hex, Nonce, Wei } from "../protocol/brand.ts";
import { wei } from "../protocol/brand.ts";
import type { Signer } from "../signer/signerPort.ts";
import { feeCap } from "./fees.ts";

export type SignDeps = {
  readonly journal: Journal;
  readonly signer: Signer;
  readonly chainId: number;
  /** Proof that this daemon holds its keys. @default none, for keys that nobody leased */
  readonly fences?: () => readonly Fence[];
  readonly now: () => number;
};

/** A transaction that one confirmation needs. */
export type Call = {
  readonly kind: Attempt["kind"];
  readonly to: Hex;
  readonly data: Hex;
  readonly gas: bigint;
  readonly nonce: Nonce;
  readonly fees: Fees;
};

export type ToSign = {
  readonly confirmation: Confirmation;
  readonly call: Call;
  /** The confirmation's reason from then on. @default none */
  readonly reason?: string | undefined;
};

type Signed = {
  readonly signed: readonly Confirmation[];
  /** What was not signed, in order, and why. Its nonces are free: nothing of it left the process. */
  readonly unsigned: readonly ToSign[];
  readonly error: unknown;
};

/** The most that a call can cost in gas, wei. */
export const maxCostOf = ({ gas, fees }: Pick<Call, "gas" | "fees">): Wei => wei(gas * feeCap(fees));

/**
 * Signs attempts and has them durable, in one transaction, before anybody can send them. Where one cannot be signed, those
 * after it are not kept either: they would leave its nonce behind as a gap.
 *
 * @throws FatalError if the journal or the signer contradicts itself; RetryableError `WITHDRAWN` if one of them was withdrawn
 *   meanwhile. Nothing was stored then.
 */
export async function signAttempts(deps: SignDeps, calls: readonly ToSign[]): Promise<Signed> {
  const { signer, journal, chainId, now, fences = () => [] } = deps;
  const results = await Promise.allSettled(
    calls.map(async ({ call: { kind, ...transaction } }) => {
      return { kind, ...(await signer.sign({ ...transaction, chainId })) };
    }),
  );
  const failed = results.findIndex(({ status }) => status === "rejected");
  const count = failed < 0 ? calls.length : failed;
  const error = (results[failed] as PromiseRejectedResult | undefined)?.reason;
  if (error instanceof FatalError) throw error;
  const attempts = calls.slice(0, count).map(({ confirmation, call, reason }, index): NewAttempt => {
    const { kind, raw, hash } = (results[index] as PromiseFulfilledResult<Pick<Attempt, "kind" | "raw" | "hash">>)
      .value;
    const attempt = { kind, hash, raw, nonce: call.nonce, signedAt: now(), maxCost: maxCostOf(call) };
    return { confirmationId: confirmation.id, signer: signer.address, attempt, reason };
  });
  const signed = attempts.length === 0 ? [] : await journal.recordAttempts(attempts, fences());
  return { signed, unsigned: calls.slice(count), error };
}
