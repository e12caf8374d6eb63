import { firstValueFrom, timer } from "rxjs";
import type { Receipt } from "../../chain/chainPort.ts";
import { describeError, FatalError } from "../../errors.ts";
import type { Hash } from "../../protocol/brand.ts";
import type { Signer } from "../../signer/signerPort.ts";
import type { ClientContext } from "../context.ts";
import { NotMinedError } from "../errors.ts";
import type { FixStep } from "./planNonceFix.ts";

/** `displaced`: another transaction was mined in the nonce. `reverted`: it was mined, and did nothing. */
export type FixOutcome = "mined" | "reverted" | "displaced";

/** What was sent to mend a nonce. @param refusal What the node said to it, where it did not take it. */
export type SentFix = {
  readonly nonce: number;
  readonly hash: Hash;
  readonly action: FixStep["action"];
  readonly refusal: string | undefined;
};

type Mended = Omit<SentFix, "refusal"> & { readonly outcome: FixOutcome };

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
  const last = sent.at(-1);
  if (last === undefined) return [];
  const until = clock.now() + timeoutMs;
  for (;;) {
    let trouble: string | undefined;
    try {
      const receipts = await receiptsOf(context, signer, sent, last.nonce);
      if (receipts)
        return sent.map(({ nonce, hash, action }) => ({ nonce, hash, action, outcome: outcomeOf(receipts.get(hash)) }));
    } catch (error) {
      // The bytes are out: an endpoint that fails is no reason to leave off.
      if (error instanceof FatalError) throw error;
      trouble = describeError(error);
    }
    if (clock.now() >= until) {
      throw new NotMinedError("a replacement", last, last.refusal ?? trouble ?? "no block has it");
    }
    await firstValueFrom(timer(pollIntervalMs, clock.scheduler));
  }
}

/** `undefined` until the last nonce is used up, or while a receipt cannot be read. */
async function receiptsOf(
  { chain }: ClientContext,
  { address }: Signer,
  sent: readonly SentFix[],
  last: number,
): Promise<ReadonlyMap<Hash, Receipt> | undefined> {
  const head = await chain.head();
  if ((await chain.minedNonce(address, head.number, head)) <= last) return undefined;
  const hashes = sent.map(({ hash }) => hash);
  const found = new Map<Hash, Receipt>();
  for (const receipt of await chain.receiptsAt(hashes, head.number, head.hash)) {
    if (receipt instanceof Error) return undefined;
    found.set(receipt.hash, receipt);
  }
  return found;
}

const outcomeOf = (receipt: Receipt | undefined): FixOutcome =>
  receipt === undefined ? "displaced" : receipt.succeeded ? "mined" : "reverted";
