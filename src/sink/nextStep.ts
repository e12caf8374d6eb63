import type { Receipt } from "../chain/chainPort.ts";
import type { Confirmation, Mined } from "../journal/journal.ts";
import type { Nonce } from "../protocol/brand.ts";

/** What there is to know of what was signed. */
type Tracked = Pick<Confirmation, "attempts" | "nonce" | "mined">;

/** What the chain says of a confirmation that was signed. */
export type View = {
  /** The newest block that can no longer be taken back. */
  readonly final: bigint;
  /** Receipts of any of its attempts. */
  readonly receipts: readonly Receipt[];
  /** Where a log shows one of its attempts; no receipt was asked for then. */
  readonly logged?: Mined | undefined;
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
  /** @param receipt `undefined`: a log says so, and what reverted has none. */
  | { readonly type: "mined"; readonly mined: Mined; readonly receipt?: Receipt }
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
    return isNews(confirmation, receipt) ? { type: "mined", mined: receipt, receipt } : { type: "stay" };
  }
  const { logged } = view;
  if (
    logged !== undefined &&
    confirmation.attempts.some(({ kind, hash }) => kind === "confirm" && hash === logged.hash)
  ) {
    // What is final is so by its receipt alone.
    const isOpen = logged.blockNumber > view.final;
    return isOpen && isNews(confirmation, logged) ? { type: "mined", mined: logged } : { type: "stay" };
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

const isNews = ({ mined }: Tracked, { hash, blockNumber }: Mined): boolean =>
  mined?.hash !== hash || mined.blockNumber !== blockNumber;

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
