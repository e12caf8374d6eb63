import type { Receipt } from "../chain/chainPort.ts";
import { allReceipts } from "../chain/receiptReads.ts";
import { FatalError, RetryableError } from "../errors.ts";
import type { BlockRef, Confirmation } from "../journal/journal.ts";
import { toNonce } from "../protocol/brand.ts";
import { changeAll } from "./changeAll.ts";
import { firstSeen } from "./firstSeen.ts";
import type { InFlight } from "./lane.ts";
import { newestReceipt } from "./nextStep.ts";
import type { TrackDeps } from "./track.ts";

/**
 * Whether nobody has a receipt of one whose nonce is used: the count and the receipts may have come from two nodes, and a node may
 * count what it has no receipt of yet, or have lost one. An endpoint that is away holds up nothing; one that has had none for a while,
 * and should have, is asked no more for receipts.
 * @throws RetryableError if another endpoint has one, or a block of the node's own holds the transaction.
 */
export async function isDisplaced(deps: TrackDeps, entry: InFlight, head: BlockRef): Promise<boolean> {
  const { chain, signer, lane, now, receiptLagMs = 10_000 } = deps;
  const { confirmation, displacedSince, shownElsewhereSince } = entry;
  // Before anything is asked: a process that stands still in between has asked nobody meanwhile.
  const at = now();
  const hashes = confirmation.attempts.map(({ hash }) => hash);
  const receipts = allReceipts(await chain.receiptsAt(hashes, head.number, head.hash));
  const elsewhere = await chain.minedElsewhere(signer.address, hashes).then(
    (found) => found.receipts.filter((each): each is Receipt => !(each instanceof Error)),
    (error) => {
      if (error instanceof FatalError) throw error;
      return [];
    },
  );
  const isHere = newestReceipt(confirmation, receipts) !== undefined;
  const there = isHere ? undefined : newestReceipt(confirmation, elsewhere);
  if (isHere) {
    lane.note(confirmation.id, { displacedSince: undefined, shownElsewhereSince: undefined });
    return false;
  }
  if (there === undefined) {
    const since = firstSeen(displacedSince, at);
    const isLate = at - since >= receiptLagMs;
    const held = isLate ? await heldByNode(deps, confirmation, head) : undefined;
    lane.note(confirmation.id, { displacedSince: held ? undefined : since, shownElsewhereSince: undefined });
    if (held === undefined) return isLate;
    const error = withoutReceipt(
      confirmation,
      `the node's own block ${held.blockNumber} holds what the key sent in it`,
    );
    await chain.passOverForReceipts(held, error);
    throw error;
  }
  const since = firstSeen(shownElsewhereSince, at);
  lane.note(confirmation.id, { displacedSince: undefined, shownElsewhereSince: since });
  const error = withoutReceipt(confirmation, "of two endpoints one alone has a receipt of what the key sent in it");
  if (at - since >= receiptLagMs) await chain.passOverForReceipts(there, error);
  throw error;
}

/** Whether a block of the node's own has what was sent in its present nonce; what became of a former one is settled. */
function heldByNode({ chain }: TrackDeps, { attempts, nonce }: Confirmation, head: BlockRef) {
  const signer = attempts.at(-1)?.signer;
  const present = attempts.filter((attempt) => attempt.nonce === nonce && attempt.signer === signer);
  const signedAt = Math.min(...present.map((attempt) => attempt.signedAt));
  return chain.findInBlocks(
    present.map(({ hash }) => hash),
    head.number,
    signedAt,
  );
}

const withoutReceipt = ({ nonce }: Confirmation, what: string): RetryableError =>
  new RetryableError(`nonce ${nonce} is used, and ${what}`, {
    code: "NODE_BEHIND",
    remedy: "nothing is taken for lost by that; if it stays, look at the endpoints in rpc.http",
  });

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
