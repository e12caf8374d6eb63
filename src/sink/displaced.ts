import type { Receipt } from "../chain/chainPort.ts";
import { allReceipts } from "../chain/receiptReads.ts";
import { FatalError, RetryableError } from "../errors.ts";
import type { BlockRef, Confirmation } from "../journal/journal.ts";
import { toNonce } from "../protocol/brand.ts";
import { changeAll } from "./changeAll.ts";
import type { InFlight } from "./lane.ts";
import { newestReceipt } from "./nextStep.ts";
import type { TrackDeps } from "./track.ts";

/**
 * Whether nobody has a receipt of one whose nonce is used: the count and the receipts may have come from two nodes, and a node may
 * count what it has no receipt of yet, or have lost one. An endpoint that is away holds up nothing.
 * @throws RetryableError if another endpoint has one.
 */
export async function isDisplaced(
  deps: TrackDeps,
  { confirmation, displacedSince }: InFlight,
  head: BlockRef,
): Promise<boolean> {
  const { chain, signer, lane, now, receiptLagMs = 10_000 } = deps;
  // Before anything is asked: a process that stands still in between has asked nobody meanwhile.
  const asked = now();
  const hashes = confirmation.attempts.map(({ hash }) => hash);
  const receipts = allReceipts(await chain.receiptsAt(hashes, head.number, head.hash));
  const elsewhere = await chain.minedElsewhere(signer.address, hashes).then(
    (found) => found.receipts.filter((each): each is Receipt => !(each instanceof Error)),
    (error) => {
      if (error instanceof FatalError) throw error;
      return [];
    },
  );
  if (newestReceipt(confirmation, [...receipts, ...elsewhere])) {
    lane.note(confirmation.id, { displacedSince: undefined });
    if (newestReceipt(confirmation, receipts)) return false;
    throw new RetryableError(
      `nonce ${confirmation.nonce} is used, and of two endpoints one alone has a receipt of what the key sent in it`,
      {
        code: "NODE_BEHIND",
        remedy: "nothing is taken for lost by that; if it stays, look at the endpoints in rpc.http",
      },
    );
  }
  // Not where the clock was set back since.
  const since = Math.min(displacedSince ?? asked, asked);
  lane.note(confirmation.id, { displacedSince: since });
  return asked - since >= receiptLagMs;
}

export async function freeDisplaced(deps: TrackDeps, confirmation: Confirmation): Promise<readonly Confirmation[]> {
  const { nonce } = confirmation;
  const reason = `nonce ${nonce} was used by a transaction that is not the daemon's`;
  // Stored first: a daemon that has lost the key meanwhile would take for a stranger's what the next one has sent.
  const freed = await changeAll(deps, [{ before: confirmation, change: { state: "intended", reason } }]);
  if (nonce !== undefined) {
    const signer = deps.signer.address;
    deps.report({ type: "stranger", signer, from: nonce, to: toNonce(nonce), where: "mined" });
  }
  return freed;
}
