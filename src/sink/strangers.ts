import { FatalError } from "../errors.ts";
import type { AccountAddress, Nonce } from "../protocol/brand.ts";
import { toNonce } from "../protocol/brand.ts";
import type { Reporter } from "../report.ts";
import { firstSeen } from "./firstSeen.ts";

/**
 * What to do about transactions of a key that wait in the node and that the journal does not know, when the daemon
 * starts: leave them their time, or take the nonces after theirs.
 */
export type ForeignPending = "wait" | "adopt";

type NextNonce = { readonly type: "nonce"; readonly nonce: Nonce } | { readonly type: "wait"; readonly reason: string };

export type SecondLook = {
  readonly mined: Nonce;
  /** The block that it was taken at. */
  readonly block: bigint;
};

export type Counts = {
  /** Transactions of the key that are mined, as one node says. */
  readonly mined: Nonce;
  /** The highest nonce in the journal. */
  readonly highest: Nonce | undefined;
  /**
   * The same once more, asked where the first is not explained.
   * @param where Another endpoint, where there is one, in its newest block; or the same one, in the head.
   * @throws RetryableError if it cannot tell.
   */
  readonly again: (where: "elsewhere" | "here") => Promise<SecondLook>;
  /** With those that the node holds in its pool; `undefined` where it does not tell. Asked at the start alone. */
  readonly pending: () => Promise<Nonce | undefined>;
};

/** Tells the daemon's own transactions from those of whoever else has the key. */
export type Strangers = { readonly next: (counts: Counts) => Promise<NextNonce> };

/** Looks at another endpoint that tells nothing, until the one that is there must do. */
const mostUnheard = 3;
/** Milliseconds that stand for a later block, where blocks come only with transactions. */
const laterMs = 60_000;

/**
 * A count that the journal does not explain is believed once a second look, at a later block, bears it out: what was signed in a
 * nonce that was far too high would wait for ever. The lower one of two is safe: where it is too low, the bytes are never mined.
 * An endpoint that is away for long keeps no key from paying.
 */
export function createStrangers(
  signer: AccountAddress,
  {
    foreignPending,
    report,
    now,
  }: { readonly foreignPending: ForeignPending; readonly report: Reporter; readonly now: () => number },
): Strangers {
  let isClear = false;
  /** The nonce after those that were adopted. */
  let floor = 0;
  /** The highest count that two looks have borne out. */
  let believed = 0;
  /** The newest block when a count was first told of that nothing explains, and when that was. */
  let doubted: { readonly block: bigint; readonly at: number } | undefined;
  let unheard = 0;
  let told = -1;
  const tell = (from: number, to: number, where: "mined" | "pending") => {
    if (to <= told) return;
    report({ type: "stranger", signer, from: toNonce(Math.max(from, told + 1)), to: toNonce(to), where });
    told = to;
  };
  const lookAgain = async (again: Counts["again"]): Promise<SecondLook | undefined> => {
    try {
      const second = await again("elsewhere");
      unheard = 0;
      return second;
    } catch (error) {
      if (error instanceof FatalError) throw error;
      report({ type: "retry", what: "another endpoint's count of the key's transactions", error, inMs: 0 });
      unheard += 1;
      return unheard < mostUnheard ? undefined : again("here");
    }
  };
  /** `undefined`: the second look is still to come. */
  const minedBy = async ({ mined, highest, again }: Counts, known: number): Promise<number | undefined> => {
    if (mined <= known) {
      doubted = undefined;
      unheard = 0;
      return mined;
    }
    const second = await lookAgain(again);
    if (second === undefined) return undefined;
    // A key that is new to the journal may have been used as often as it likes.
    if (highest !== undefined) {
      const at = now();
      doubted = { block: doubted?.block ?? second.block, at: firstSeen(doubted?.at, at) };
      if (second.block <= doubted.block && at - doubted.at < laterMs) return undefined;
    }
    return Math.min(mined, second.mined);
  };
  return {
    next: async (counts) => {
      const { highest, pending } = counts;
      const own = highest === undefined ? 0 : highest + 1;
      const known = Math.max(own, floor, believed);
      const mined = await minedBy(counts, known);
      if (mined === undefined) {
        const reason = `a node counts ${counts.mined} transactions of this key, and the journal explains ${known}: a second look decides, of another endpoint where there is one, and at a later block`;
        return { type: "wait", reason };
      }
      const nonce = Math.max(mined, own, floor);
      if (highest !== undefined) {
        believed = Math.max(believed, mined);
        if (mined > own) tell(own, mined - 1, "mined");
      }
      if (isClear) return { type: "nonce", nonce: toNonce(nonce) };
      const last = (await pending()) ?? toNonce(nonce);
      if (highest === undefined && last < mined) {
        const reason = `nodes disagree about the transactions of this key: ${mined} are mined, and ${last} with those that wait`;
        return { type: "wait", reason };
      }
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
