import type { Receipt } from "../chain/chainPort.ts";
import type { Confirmation } from "../journal/journal.ts";
import type { Nonce } from "../protocol/brand.ts";

/** What the chain says of a confirmation that was signed. */
export type View = {
  readonly head: bigint;
  /** Blocks on top of a receipt's block before anything is final. */
  readonly finalityDepth: number;
  /** Receipts of any of its attempts. */
  readonly receipts: readonly Receipt[];
  /** The key's transaction count in the newest final block. */
  readonly finalNonce: Nonce;
  /** Milliseconds since its bytes were last sent; `undefined`: not by this process. */
  readonly sinceBroadcastMs: number | undefined;
  readonly rebroadcastAfterMs: number;
};

export type Step =
  | { readonly type: "stay" }
  /** Sends the same bytes again. */
  | { readonly type: "rebroadcast"; readonly stuck: boolean }
  | { readonly type: "mined"; readonly receipt: Receipt }
  /** A receipt is gone: a reorg took the block back. */
  | { readonly type: "vanished" }
  | { readonly type: "final"; readonly receipt: Receipt }
  /** The nonce was used, finally, by a transaction that is none of ours: it can never be mined. */
  | { readonly type: "displaced" };

/**
 * Decides what to do about a signed confirmation. Pure: the tracker reads the view and carries the step out.
 *
 * Nothing is terminal before finality, reverts included; no time-out ever frees a nonce.
 */
export function nextStep(confirmation: Confirmation, view: View): Step {
  // Attempts in two nonces can both be mined, if a node lied about the first: the one that paid is what counts.
  const receipt = view.receipts.find(({ succeeded }) => succeeded) ?? view.receipts[0];
  if (receipt !== undefined) {
    if (view.head - receipt.blockNumber >= BigInt(view.finalityDepth)) return { type: "final", receipt };
    const { mined } = confirmation;
    const isNews = mined?.hash !== receipt.hash || mined.blockNumber !== receipt.blockNumber;
    return isNews ? { type: "mined", receipt } : { type: "stay" };
  }
  if (confirmation.nonce !== undefined && view.finalNonce > confirmation.nonce) return { type: "displaced" };
  if (confirmation.mined !== undefined) return { type: "vanished" };
  if (view.sinceBroadcastMs === undefined) return { type: "rebroadcast", stuck: false };
  if (view.sinceBroadcastMs >= view.rebroadcastAfterMs) return { type: "rebroadcast", stuck: true };
  return { type: "stay" };
}
