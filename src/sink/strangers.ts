import type { AccountAddress, Nonce } from "../protocol/brand.ts";
import { toNonce } from "../protocol/brand.ts";
import type { Reporter } from "../report.ts";

/**
 * What to do about transactions of a key that wait in the node and that the journal does not know, when the daemon
 * starts: leave them their time, or take the nonces after theirs.
 */
export type ForeignPending = "wait" | "adopt";

export type NextNonce =
  | { readonly type: "nonce"; readonly nonce: Nonce }
  | { readonly type: "wait"; readonly reason: string };

export type Counts = {
  /** Transactions of the key that are mined. */
  readonly mined: Nonce;
  /** The highest nonce in the journal. */
  readonly highest: Nonce | undefined;
  /** With those that the node holds in its pool; asked at the start alone. */
  readonly pending: () => Promise<Nonce>;
};

/** Tells the daemon's own transactions from those of whoever else has the key. */
export type Strangers = { readonly next: (counts: Counts) => Promise<NextNonce> };

export function createStrangers(
  signer: AccountAddress,
  { foreignPending, report }: { readonly foreignPending: ForeignPending; readonly report: Reporter },
): Strangers {
  let isClear = false;
  /** The nonce after those that were adopted. */
  let floor = 0;
  let told = -1;
  const tell = (from: number, to: number, where: "mined" | "pending") => {
    if (to <= told) return;
    report({ type: "stranger", signer, from: toNonce(Math.max(from, told + 1)), to: toNonce(to), where });
    told = to;
  };
  return {
    next: async ({ mined, highest, pending }) => {
      const own = highest === undefined ? 0 : highest + 1;
      const nonce = Math.max(mined, own, floor);
      if (highest !== undefined && mined > own) tell(own, mined - 1, "mined");
      if (isClear) return { type: "nonce", nonce: toNonce(nonce) };
      const last = await pending();
      if (last <= nonce) {
        isClear = true;
        return { type: "nonce", nonce: toNonce(nonce) };
      }
      tell(nonce, last - 1, "pending");
      if (foreignPending === "adopt") {
        isClear = true;
        // For good: theirs are on their way, whether or not anything was signed after them.
        floor = last;
        return { type: "nonce", nonce: last };
      }
      const count = last - nonce;
      return { type: "wait", reason: `${count} transactions of this key that are not the daemon's wait in the node` };
    },
  };
}
