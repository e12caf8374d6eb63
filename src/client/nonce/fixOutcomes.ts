import { firstValueFrom, timer } from "rxjs";
import type { Receipt } from "../../chain/chainPort.ts";
import { describeError } from "../../errors.ts";
import type { Hash } from "../../protocol/brand.ts";
import type { Signer } from "../../signer/signerPort.ts";
import type { ClientContext } from "../context.ts";
import { NotMinedError } from "../errors.ts";
import type { FixStep } from "./planNonceFix.ts";

/**
 * `displaced`: another transaction was mined in the nonce. `reverted`: it was mined, and did nothing. `unknown`: something was mined
 * in the nonce, and no endpoint tells what, or one alone denies that it was this.
 */
export type FixOutcome = "mined" | "reverted" | "displaced" | "unknown";

/** What was sent to mend a nonce. @param refusal What the node said to it, where it did not take it. */
export type SentFix = {
  readonly nonce: number;
  readonly hash: Hash;
  readonly action: FixStep["action"];
  readonly refusal: string | undefined;
  /** Others in its nonce that do the same, by now. */
  readonly alike: () => readonly Hash[];
};

type Mended = Omit<SentFix, "refusal" | "alike"> & { readonly outcome: FixOutcome };

/** Milliseconds, once something is mined in each nonce: a node may count it before it has the receipt, and one may never tell. */
const receiptLagMs = 5_000;

/**
 * Waits until something is mined in each of these nonces, and tells by receipts of a node that has it whether it is ours.
 * @throws NotMinedError.
 */
export async function fixOutcomes(
  context: ClientContext,
  signer: Signer,
  sent: readonly SentFix[],
  timeoutMs: number,
): Promise<readonly Mended[]> {
  const { clock, pollIntervalMs } = context;
  if (sent.length === 0) return [];
  const until = clock.now() + timeoutMs;
  let minedSince: number | undefined;
  for (;;) {
    let trouble: string | undefined;
    let waits = sent.at(-1) as SentFix;
    // Before anything is asked: a process that stands still in between has asked nobody meanwhile.
    const asked = clock.now();
    try {
      const seen = await see(context, signer, sent);
      if ("waits" in seen) {
        waits = seen.waits;
        minedSince = undefined;
      } else {
        minedSince ??= asked;
        if (seen.every(isRead) || asked >= Math.min(minedSince + receiptLagMs, until)) return seen;
      }
    } catch (error) {
      // The bytes are out: an endpoint that fails is no reason to leave off.
      trouble = describeError(error);
    }
    if (asked >= until) {
      throw new NotMinedError("a replacement", waits, waits.refusal ?? trouble ?? "no block has it");
    }
    await firstValueFrom(timer(pollIntervalMs, clock.scheduler));
  }
}

/** What an endpoint knows of that is away. */
const nothing = { mined: 0, receipts: [] } as const;

const isRead = ({ outcome }: Mended): boolean => outcome === "mined" || outcome === "reverted";

/** What came of them; or the first that waits to be mined. */
async function see(
  { chain }: ClientContext,
  { address }: Signer,
  sent: readonly SentFix[],
): Promise<readonly Mended[] | { readonly waits: SentFix }> {
  const head = await chain.head();
  const mined = await chain.minedNonce(address, head.number, head);
  const waits = sent.find(({ nonce }) => nonce >= mined);
  if (waits) return { waits };
  const all = sent.map((each) => ({ ...each, hashes: [...new Set([each.hash, ...each.alike()])] }));
  const hashes = all.flatMap((each) => each.hashes);
  const here = await chain.receiptsAt(hashes, head.number, head.hash);
  const isTold = (own: readonly Hash[]) => here.some((each) => !(each instanceof Error) && own.includes(each.hash));
  // That it was displaced is the word of two endpoints, where there are two: whoever hears of it may send it anew.
  const inDoubt = all.flatMap((each) => (isTold(each.hashes) ? [] : each.hashes));
  const there = inDoubt.length === 0 ? nothing : await chain.minedElsewhere(address, inDoubt).catch(() => nothing);
  return all.map(({ nonce, action, hash, hashes }) => {
    const told = [...here, ...there.receipts].filter((each) => hashes.includes(each.hash));
    const receipt = told.find((each) => !(each instanceof Error)) as Receipt | undefined;
    if (receipt) return { nonce, action, hash: receipt.hash, outcome: receipt.succeeded ? "mined" : "reverted" };
    return { nonce, action, hash, outcome: told.length > 0 || there.mined <= nonce ? "unknown" : "displaced" };
  });
}
