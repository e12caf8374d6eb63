import type { Fees } from "../../chain/chainPort.ts";
import type { AccountAddress, ResponseAddress } from "../../protocol/brand.ts";
import { feeCap, replacementFees } from "../../sink/fees.ts";
import { transferGas } from "../../sink/replace.ts";
import type { ClientContext } from "../context.ts";
import { RefusedError } from "../errors.ts";
import { countedElsewhere } from "../lane/freeNonce.ts";
import { describeCall } from "./describeCall.ts";
import { getNonceInfo, type NonceInfo, type NonceOptions, type WaitingNonce } from "./getNonceInfo.ts";
import { done, ownIn, ownStep, tooDear } from "./ownStep.ts";
import { callSignedBy } from "./signedBytes.ts";

/**
 * What is done about one stuck nonce: `cancel` uses it up with a transfer of nothing to oneself, `fill` does so where
 * nothing waits in it, and `reprice` sends the same confirmation again, for more gas: it can still pay, and the account signed it.
 * What this client has signed itself, and waits for, is a `reprice` as well, or a `resend` of the same bytes where the pool has
 * dropped them; a `cancel` only where it can never be mined, or would be refused by now.
 */
export type FixStep = WaitingNonce & {
  readonly action: "cancel" | "fill" | "reprice" | "resend";
  readonly why: string;
  readonly newFees: Fees;
  /** The most that it can cost in gas, wei. */
  readonly cost: bigint;
};

export type NonceFix = {
  readonly info: NonceInfo;
  /** In nonce order; empty where nothing is stuck. */
  readonly steps: readonly FixStep[];
  /** What waits and is left alone. */
  readonly untouched: readonly WaitingNonce[];
  /** The most that all of it can cost in gas, wei. */
  readonly cost: bigint;
};

export type PlanOptions = NonceOptions & {
  /** Nonces that somebody else looks after, such as a daemon of the same key; asked for anew with each look, where that is a call. */
  readonly leave?: ReadonlySet<number> | (() => ReadonlySet<number> | Promise<ReadonlySet<number>>);
};

/**
 * What `fixNonce` would do, and what it would cost. Only what is stuck is in it: a nonce that offers less than the chain
 * asks, or one that nothing waits in, and in which no other endpoint counts anything either. Sends nothing.
 *
 * @throws RefusedError `POOL_UNREADABLE` if transactions wait and the node does not show them: what is not known is not
 *   cancelled; `FEES_TOO_HIGH` if a replacement, or what fills a gap, would pass the client's ceiling.
 */
export async function planNonceFix(context: ClientContext, options: PlanOptions = {}): Promise<NonceFix> {
  const info = await getNonceInfo(context, options);
  const { address, waiting, hasPending } = info;
  if (waiting === undefined) {
    if (!hasPending) return { info, steps: [], untouched: [], cost: 0n };
    throw new RefusedError(`${info.pendingCount} transactions of ${address} wait, and the node does not show them`, {
      code: "POOL_UNREADABLE",
      remedy: "use an endpoint that answers txpool_contentFrom or txpool_content: what is not known is not cancelled",
    });
  }
  // After the pool: whoever signs takes note of a nonce before it sends.
  const leave = typeof options.leave === "function" ? await options.leave() : options.leave;
  const isEmpty = (each: WaitingNonce) => each.state === "gap" && ownIn(context, address, each) === undefined;
  // One pool may lack what another one holds, and somebody waits for.
  const signer = { address: address.toLowerCase() as AccountAddress };
  const elsewhere = waiting.some(isEmpty) ? ((await countedElsewhere({ ...context, signer })) ?? 0) : 0;
  const isStuck = (each: WaitingNonce) =>
    (each.state === "underpriced" || (each.state === "gap" && !(isEmpty(each) && each.nonce < elsewhere))) &&
    !leave?.has(each.nonce);
  const steps: FixStep[] = [];
  const now = waiting.some(isStuck) ? await context.chain.fees(true) : undefined;
  for (const each of now ? waiting.filter(isStuck) : []) steps.push(await stepFor(context, info, each, now as Fees));
  const heldElsewhere = waiting.find((each) => isEmpty(each) && each.nonce < elsewhere);
  const explanation = `nonce ${heldElsewhere?.nonce} is left alone: another endpoint counts what waits in it, or is mined, and this one's pool shows nothing there`;
  return {
    info: heldElsewhere && steps.length === 0 ? { ...info, explanation } : info,
    steps,
    untouched: waiting.filter((each) => !isStuck(each)),
    cost: steps.reduce((sum, { cost }) => sum + cost, 0n),
  };
}

async function stepFor(
  context: ClientContext,
  { address, baseFee }: NonceInfo,
  each: WaitingNonce,
  now: Fees,
): Promise<FixStep> {
  const { nonce, fees } = each;
  const { maxFeePerGas } = context;
  const filling = feeCap(now) > maxFeePerGas ? undefined : now;
  const own = ownIn(context, address, each);
  if (own) return { ...each, ...(await ownStep(context, own, each, { now, baseFee })) };
  const newFees = fees === undefined ? filling : replacementFees(fees, now, maxFeePerGas);
  if (newFees === undefined)
    throw tooDear(`${fees === undefined ? "what fills" : "a replacement for"} nonce ${nonce}`, maxFeePerGas);
  if (fees === undefined) return { ...each, ...done("fill", "nothing waits in it", newFees, transferGas) };
  const cancelled = (why: string) => ({ ...each, ...done("cancel", why, newFees, transferGas) });
  if (each.response === undefined) return cancelled("it offers too little");
  const account = address.toLowerCase() as AccountAddress;
  // To sign it again would else be to pay whomever a node names.
  const { chainId, contracts, chain } = context;
  const signed = await callSignedBy(account, { ...each, chainId });
  const response = signed && describeCall(signed, contracts).response;
  if (signed === undefined || response === undefined)
    return cancelled("it offers too little, and the node does not prove that this account signed it");
  const confirms = await chain.simulateConfirm(account, response.toLowerCase() as ResponseAddress);
  if (!confirms.ok) return cancelled(`it would revert: ${confirms.reason}`);
  return { ...each, response, ...done("reprice", "it offers too little, and can still pay", newFees, signed.gas) };
}
