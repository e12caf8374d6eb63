import type { Receipt } from "../chain/chainPort.ts";
import type { Confirmation } from "../journal/journal.ts";
import type { Nonce } from "../protocol/brand.ts";

/** What there is to know of what was signed. */
type Tracked = Pick<Confirmation, "attempts" | "nonce" | "mined">;

/** What the chain says of a confirmation that was signed. */
export type View = {
  /** The newest block that can no longer be taken back. */
  readonly final: bigint;
  /** Receipts of any of its attempts. */
  readonly receipts: readonly Receipt[];
  /** The key's transaction count in the newest final block; `undefined` where the node cannot tell. */
  readonly finalNonce: Nonce | undefined;
  /** Milliseconds since its bytes were last sent; `undefined`: not by this process. */
  readonly sinceBroadcastMs: number | undefined;
  readonly rebroadcastAfterMs: number;
  /** Blocks since then; `undefined`: nobody counted. */
  readonly sinceBroadcastBlocks?: bigint | undefined;
  /** Where fewer blocks have come without it, the node is slow, and a higher fee buys nothing. @default 0 */
  readonly replaceAfterBlocks?: number;
};

export type Step =
  | { readonly type: "stay" }
  /** Sends again. @param stuck the bytes were out for long: a higher fee may help. */
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
export function nextStep(confirmation: Tracked, view: View): Step {
  const receipt = newestReceipt(confirmation, view.receipts);
  if (receipt !== undefined) {
    if (receipt.blockNumber <= view.final) return { type: "final", receipt };
    const { mined } = confirmation;
    const isNews = mined?.hash !== receipt.hash || mined.blockNumber !== receipt.blockNumber;
    return isNews ? { type: "mined", receipt } : { type: "stay" };
  }
  if (confirmation.nonce !== undefined && view.finalNonce !== undefined && view.finalNonce > confirmation.nonce) {
    return { type: "displaced" };
  }
  if (confirmation.mined !== undefined) return { type: "vanished" };
  if (view.sinceBroadcastMs === undefined) return { type: "rebroadcast", stuck: false };
  if (view.sinceBroadcastMs >= view.rebroadcastAfterMs) {
    const { sinceBroadcastBlocks, replaceAfterBlocks = 0 } = view;
    return { type: "rebroadcast", stuck: (sinceBroadcastBlocks ?? BigInt(replaceAfterBlocks)) >= replaceAfterBlocks };
  }
  return { type: "stay" };
}

/**
 * The receipt that counts: one that paid, wherever it stands (attempts in two nonces can both be mined, if a node lied
 * about the first); else the one in the newest nonce of the newest key. A failed or cancelled attempt in a former nonce is history.
 */
export function newestReceipt({ attempts, nonce }: Tracked, receipts: readonly Receipt[]): Receipt | undefined {
  const attemptOf = ({ hash }: Receipt) => attempts.find((attempt) => attempt.hash === hash);
  return (
    receipts.find((receipt) => receipt.succeeded && attemptOf(receipt)?.kind === "confirm") ??
    receipts.find((receipt) => {
      const attempt = attemptOf(receipt);
      return attempt?.nonce === nonce && attempt?.signer === attempts.at(-1)?.signer;
    })
  );
}
