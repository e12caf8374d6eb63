import type { Fees } from "../../chain/chainPort.ts";
import type { HttpRpc } from "../../chain/jsonRpc.ts";
import { feeCap, replacementFees } from "../../sink/fees.ts";
import { classifyAnswer } from "../../sink/nodeErrors.ts";
import { readAttempt, transferGas } from "../../sink/replace.ts";
import { maxCostOf } from "../../sink/signAttempts.ts";
import type { ClientContext } from "../context.ts";
import { RefusedError } from "../errors.ts";
import { refusedByNow } from "../lane/refusedByNow.ts";
import type { Entry } from "../lane/transaction.ts";
import type { WaitingNonce } from "./getNonceInfo.ts";
import type { FixStep } from "./planNonceFix.ts";

type Step = Pick<FixStep, "action" | "why" | "newFees" | "cost">;

/** @param gas Gas units. */
export const done = (action: FixStep["action"], why: string, newFees: Fees, gas: bigint): Step => ({
  action,
  why,
  newFees,
  cost: maxCostOf({ gas, fees: newFees }),
});

export const tooDear = (what: string, maxFeePerGas: bigint): RefusedError =>
  new RefusedError(`${what} would cost more than maxFeePerGas (${maxFeePerGas} wei)`, {
    code: "FEES_TOO_HIGH",
    remedy: "wait until gas is cheaper, or raise maxFeePerGas",
  });

/** What this client has signed in a nonce, where nothing else waits there. */
export function ownIn(context: ClientContext, address: string, { nonce, hash }: WaitingNonce): Entry | undefined {
  const entry = context
    .lanes()
    .find((lane) => lane.address === address)
    ?.holder(nonce);
  return hash === undefined || entry?.attempts.some((each) => each.hash === hash) ? entry : undefined;
}

/**
 * What is done about what this client has signed itself: somebody waits for it.
 * @throws RefusedError `FEES_TOO_HIGH`; RetryableError if it cannot be checked.
 */
export async function ownStep(
  { maxFeePerGas, elsewhere }: ClientContext,
  { attempts, word, transaction }: Entry,
  { nonce, state }: WaitingNonce,
  { now, baseFee = 0n }: { readonly now: Fees; readonly baseFee: bigint | undefined },
): Promise<Step & Pick<FixStep, "raw">> {
  const newest = attempts.at(-1);
  if (newest === undefined) throw new TypeError(`nothing is signed in nonce ${nonce}`);
  const { raw, kind } = newest;
  const { fees, call } = readAttempt(newest);
  const hopeless = word !== undefined && classifyAnswer(word) === "hopeless" ? `no node takes it: ${word}` : "";
  const why = kind === "cancel" ? "" : hopeless || (await refusalOf(transaction, elsewhere));
  if (state === "gap" && why === "" && feeCap(fees) >= baseFee)
    return { ...done("resend", "the node's pool has dropped it", fees, call.gas), raw };
  const newFees = replacementFees(fees, now, maxFeePerGas);
  if (newFees === undefined) throw tooDear(`a replacement for nonce ${nonce}`, maxFeePerGas);
  if (why !== "" || kind === "cancel")
    return { ...done("cancel", why || "it offers too little", newFees, transferGas), raw };
  return { ...done("reprice", "it offers too little, and can still be mined", newFees, call.gas), raw };
}

/** Why the chain, as it is now, would refuse it; empty: it would not. */
async function refusalOf(transaction: Entry["transaction"], elsewhere: HttpRpc): Promise<string> {
  const refusal = await refusedByNow(transaction, elsewhere);
  return refusal ? `it would be refused by now: ${refusal.message}` : "";
}
