import type { Receipt } from "../chain/chainPort.ts";
import { RpcError } from "../chain/jsonRpc.ts";
import { FatalError } from "../errors.ts";
import type { Confirmation, ConfirmationChange } from "../journal/journal.ts";
import type { AccountAddress, Nonce } from "../protocol/brand.ts";
import type { Reporter } from "../report.ts";
import type { AdmitDeps } from "./admit.ts";
import type { InFlight, Lane } from "./lane.ts";
import { nextStep, type View } from "./nextStep.ts";
import { classifyAnswer } from "./nodeErrors.ts";
import { payable } from "./payable.ts";
import { cancel, replace } from "./replace.ts";

export type TrackDeps = AdmitDeps & {
  readonly lane: Lane;
  /** Confirmations that another key than `signer` has signed, before the daemon was given this one. */
  readonly formerSigners: Map<number, AccountAddress>;
  readonly report: Reporter;
  /** Milliseconds without a receipt after which the bytes are sent again, with a higher fee where that may help. */
  readonly rebroadcastAfterMs: number;
};

/** Times that a mined confirmation may revert before a person must look. */
const mostReverts = 3;

/** Sends the newest attempt. Whatever the node answers, the nonce stays taken. */
export async function broadcast(deps: TrackDeps, confirmation: Confirmation): Promise<void> {
  const { chain, journal, lane, report, now } = deps;
  lane.keep(confirmation, { sentAt: now() });
  const newest = confirmation.attempts.at(-1);
  if (newest === undefined) return;
  const answer = await chain.broadcast(newest.raw);
  const kind = answer.ok ? "accepted" : classifyAnswer(answer.message);
  lane.note(confirmation.id, { answer: kind });
  if (!answer.ok && kind !== "accepted")
    report({ type: "answer", confirmation, answer: kind, message: answer.message });
  if (kind !== "accepted" || confirmation.state !== "signed") return;
  // The tracker may have seen it mined while the answer was on its way.
  const { state } = await journal.confirmation(confirmation.id);
  if (state === "signed") await change(deps, confirmation, { state: "broadcast" });
}

/**
 * Looks once at everything in flight and carries out what `nextStep` says; answers what is settled, or free to be
 * admitted anew (`intended`).
 * @throws RetryableError if the endpoint does not answer at all; nothing is lost, the next round looks again.
 */
export async function trackRound(deps: TrackDeps): Promise<readonly Confirmation[]> {
  const { chain, lane, signer } = deps;
  const entries = lane.inFlight();
  if (entries.length === 0) return [];
  const final = await chain.finalBlock(await chain.head());
  const signedBy = ({ confirmation: { id } }: InFlight) => deps.formerSigners.get(id) ?? signer.address;
  // The counts come first: what they count was mined before the receipts are read, so a missing receipt means something.
  const finalNonces = new Map<AccountAddress, Nonce | undefined>();
  for (const account of new Set(entries.map(signedBy)))
    finalNonces.set(account, await finalNonceOf(deps, account, final));
  const left: Confirmation[] = [];
  for (const entry of entries) {
    try {
      const settled = await trackOne(deps, entry, { final, finalNonce: finalNonces.get(signedBy(entry)) });
      if (settled) left.push(settled);
    } catch (error) {
      // One that cannot be looked at must hold up neither the ones after it nor what the ones before it came to.
      if (error instanceof FatalError) throw error;
      deps.report({ type: "retry", what: `confirmation ${entry.confirmation.id}`, error, inMs: 0 });
    }
  }
  return left;
}

/** `undefined` where the node has dropped the state of that block: nothing is displaced then. */
async function finalNonceOf({ chain }: TrackDeps, account: AccountAddress, block: bigint): Promise<Nonce | undefined> {
  try {
    return await chain.minedNonce(account, block);
  } catch (error) {
    if (error instanceof RpcError) return undefined;
    throw error;
  }
}

async function trackOne(
  deps: TrackDeps,
  entry: InFlight,
  view: Pick<View, "final" | "finalNonce">,
): Promise<Confirmation | undefined> {
  const receipts = await Promise.all(entry.confirmation.attempts.map(({ hash }) => deps.chain.receipt(hash)));
  return carryOut(deps, entry, {
    ...view,
    receipts: receipts.filter((receipt) => receipt !== undefined),
    sinceBroadcastMs: entry.sentAt === undefined ? undefined : deps.now() - entry.sentAt,
    rebroadcastAfterMs: deps.rebroadcastAfterMs,
  });
}

async function carryOut(deps: TrackDeps, entry: InFlight, view: View): Promise<Confirmation | undefined> {
  const { confirmation } = entry;
  const step = nextStep(confirmation, view);
  switch (step.type) {
    case "stay":
      return undefined;
    case "rebroadcast":
      await sendAgain(deps, entry, step.stuck);
      return undefined;
    case "mined":
      await change(deps, confirmation, { state: "mined", mined: step.receipt }, step.receipt);
      return undefined;
    case "vanished": {
      const back = await change(deps, confirmation, { state: "broadcast", reason: "its block was taken back" });
      await sendAgain(deps, { ...entry, confirmation: back }, false);
      return undefined;
    }
    case "final": {
      const settled = await change(
        deps,
        confirmation,
        await finalChange(deps, confirmation, step.receipt),
        step.receipt,
      );
      deps.lane.release(confirmation.id);
      return settled;
    }
    case "displaced": {
      const reason = `nonce ${confirmation.nonce} was used by a transaction that is not the daemon's`;
      const freed = await change(deps, confirmation, { state: "intended", reason });
      deps.lane.release(confirmation.id);
      deps.formerSigners.delete(confirmation.id);
      return freed;
    }
    default:
      return step satisfies never;
  }
}

/**
 * Sends the bytes again, or better ones, if what they pay is still what was approved; else uses the nonce up, once that
 * has been so for a while: the next block may bring the response back.
 */
async function sendAgain(deps: TrackDeps, entry: InFlight, stuck: boolean): Promise<void> {
  const { confirmation } = entry;
  const signedBy = deps.formerSigners.get(confirmation.id);
  if (confirmation.attempts.at(-1)?.kind === "cancel") {
    return broadcast(deps, (stuck && (await replace(deps, confirmation))) || confirmation);
  }
  const check = await payable(deps, confirmation, signedBy ?? deps.signer.address);
  if (check.type === "yes") {
    // A former key can replace nothing; its bytes go out again as they are. Nor does a fee help where money is missing.
    const better =
      stuck && signedBy === undefined && entry.answer !== "no-funds" && (await replace(deps, confirmation));
    return broadcast(deps, better || confirmation);
  }
  const doomedSince = entry.doomedSince ?? deps.now();
  deps.lane.note(confirmation.id, { doomedSince });
  const wait = deps.rebroadcastAfterMs - (deps.now() - doomedSince);
  const cancelled = wait <= 0 && signedBy === undefined ? await cancel(deps, confirmation) : undefined;
  if (cancelled) return broadcast(deps, cancelled);
  deps.report({ type: "postponed", confirmation, reason: `not sent again: ${check.reason}`, forMs: Math.max(0, wait) });
}

async function finalChange(deps: TrackDeps, confirmation: Confirmation, receipt: Receipt): Promise<ConfirmationChange> {
  const paid = confirmation.attempts.some(({ kind, hash }) => kind === "confirm" && hash === receipt.hash);
  if (paid && receipt.succeeded) return { state: "final", mined: receipt };
  const check = await payable(deps, confirmation, deps.signer.address);
  if (check.type === "settled") return { state: "superseded", reason: check.reason, mined: receipt };
  if (check.type === "refused") return { state: "cancelled", reason: check.reason, mined: receipt };
  const reverts = new Set(confirmation.attempts.map(({ nonce }) => nonce)).size;
  if (paid && reverts >= mostReverts) {
    return { state: "dead", reason: `it reverted ${reverts} times although its simulation had passed`, mined: receipt };
  }
  return {
    state: "intended",
    reason: paid ? "it reverted, and is tried anew" : "its nonce was used up, and it is tried anew",
  };
}

async function change(
  { journal, lane, report, now }: TrackDeps,
  before: Confirmation,
  to: ConfirmationChange,
  receipt?: Receipt,
): Promise<Confirmation> {
  const confirmation = await journal.changeConfirmation(before.id, to);
  lane.keep(confirmation, { sentAt: now() });
  report({ type: "confirmation", confirmation, ...(receipt && { receipt }) });
  return confirmation;
}
