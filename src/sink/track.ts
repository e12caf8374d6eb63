import { setImmediate as breathe } from "node:timers/promises";
import type { ChainPort, Head, Receipt } from "../chain/chainPort.ts";
import { requireRecent } from "../chain/farBehind.ts";
import { allReceipts } from "../chain/receiptReads.ts";
import { FatalError } from "../errors.ts";
import type { BlockRef, Confirmation, ConfirmationChange } from "../journal/journal.ts";
import { wei } from "../protocol/brand.ts";
import type { Reporter } from "../report.ts";
import type { AdmitDeps } from "./admit.ts";
import { type Changed, changeAll } from "./changeAll.ts";
import { freeDisplaced, isDisplaced } from "./displaced.ts";
import { evidenceOf } from "./evidence.ts";
import { finalNonceOf } from "./finalNonce.ts";
import { gasCost } from "./gasCost.ts";
import { isGivenUp } from "./givenUp.ts";
import { type InFlight, type Lane, sinceSent } from "./lane.ts";
import { nextStep, type Step } from "./nextStep.ts";
import type { AnswerRule } from "./nodeErrors.ts";
import { isRefusedUntried } from "./overcome.ts";
import { type Payable, payable } from "./payable.ts";
import { markSent } from "./send.ts";
import { type Again, sendAgain } from "./sendAgain.ts";

export type TrackDeps = AdmitDeps & {
  readonly lane: Lane;
  /** Whether the daemon has the key still: what a former one has signed is followed, and never signed anew. @default true */
  readonly canSign?: boolean;
  /** A node said that the key has no money. */
  readonly onNoFunds?: () => void;
  readonly report: Reporter;
  /** Milliseconds without a receipt after which the bytes are sent again, with a higher fee where that may help. */
  readonly rebroadcastAfterMs: number;
  /** Blocks that must have come without it, too, before a higher fee is offered. @default 0 */
  readonly replaceAfterBlocks?: number;
  /**
   * So many in flight are all asked for their receipts; of more, only those of which the account's count promises news, and
   * where that are more, too, the logs come first. @default 16
   */
  readonly askAllUpTo?: number;
  /**
   * Milliseconds for which no endpoint may have a receipt before a used nonce is taken for somebody else's; and for which another one
   * alone has it before that one is asked first. @default 10_000
   */
  readonly receiptLagMs?: number;
  /** What nodes answer that this program does not know. @default none */
  readonly answers?: readonly AnswerRule[];
};

/** Stored in one transaction: what is signed and sent meanwhile does not wait for a whole block's. */
const storedTogether = 128;
/** The same after a start: nothing is sent yet, and all are waited for. */
const storedTogetherAtStart = 512;
/** Times that a mined confirmation may revert before a person must look. */
const mostReverts = 3;

/**
 * Looks once at everything in flight and carries out what `nextStep` says; answers what is settled, or free to be
 * admitted anew (`intended`).
 * @throws RetryableError if the endpoint does not answer at all, or has hung far behind; nothing is lost, the next round looks again.
 */
export async function trackRound(deps: TrackDeps): Promise<readonly Confirmation[]> {
  const { chain, lane } = deps;
  const entries = lane.inFlight();
  if (entries.length === 0) return [];
  const [scanned, head] = await Promise.all([deps.journal.cursor(), chain.head()]);
  requireRecent(head.number, scanned);
  lane.sawBlock(head.number);
  const final = await chain.finalBlock(head);
  // The counts come first: what they count was mined before the receipts are read, so a missing receipt means something.
  const finalNonce = await finalNonceOf(deps, final, head);
  const evidence = await evidenceOf(deps, entries, { head, final, finalNonce });
  const steps = entries.flatMap((entry) => {
    const found = evidence.get(entry.confirmation.id);
    if (found === undefined) return [];
    const error = found.receipts.find((each) => each instanceof Error);
    if (error !== undefined) {
      tell(deps, entry.confirmation, error);
      return [];
    }
    const step = nextStep(entry.confirmation, {
      final,
      finalNonce,
      receipts: found.receipts.filter((each): each is Receipt => each !== undefined),
      logged: found.logged,
      sinceBroadcastMs: sinceSent(entry, deps.now()),
      sinceBroadcastBlocks: entry.sentAtBlock === undefined ? undefined : head.number - entry.sentAtBlock,
      rebroadcastAfterMs: deps.rebroadcastAfterMs,
      replaceAfterBlocks: deps.replaceAfterBlocks ?? 0,
    });
    if (step.type !== "displaced" && (entry.displacedSince ?? entry.shownElsewhereSince) !== undefined)
      lane.note(entry.confirmation.id, { displacedSince: undefined, shownElsewhereSince: undefined });
    return step.type === "stay" ? [] : [{ entry, step, isSure: found.isPinned ?? false }];
  });
  const left = await carryOut(deps, await withoutDoubt(deps, steps, head), head);
  await markSent(deps);
  return left;
}

/** @param isSure What the step rests on comes from a node that stands on the head. */
type Planned = { readonly entry: InFlight; readonly step: Step; readonly isSure: boolean };

/**
 * What is final is so by a receipt of a node that stands on the very head by which its block was found final: another one may
 * still tell of a branch that is gone. What is in doubt is looked at again in the next round.
 */
async function withoutDoubt(deps: TrackDeps, planned: readonly Planned[], head: BlockRef): Promise<readonly Planned[]> {
  const hashes = planned.flatMap(({ step, isSure }) => (step.type === "final" && !isSure ? [step.receipt.hash] : []));
  if (hashes.length === 0) return planned;
  let sure: Awaited<ReturnType<ChainPort["receiptsAt"]>> = [];
  try {
    sure = await deps.chain.receiptsAt(hashes, head.number, head.hash);
  } catch (error) {
    deps.report({ type: "retry", what: "finality", error, inMs: 0 });
  }
  const blocks = new Map(sure.map((each) => [each.hash, each instanceof Error ? undefined : each.blockHash]));
  return planned.filter(
    ({ step, isSure }) => step.type !== "final" || isSure || blocks.get(step.receipt.hash) === step.receipt.blockHash,
  );
}

/** One that cannot be looked at must hold up neither the ones after it nor what the ones before it came to. */
function tell({ report }: TrackDeps, { id }: Confirmation, error: unknown): void {
  if (error instanceof FatalError) throw error;
  report({ type: "retry", what: `confirmation ${id}`, error, inMs: 0 });
}

/** What the chain says of them is stored first; then comes what needs a question for each. */
async function carryOut(deps: TrackDeps, planned: readonly Planned[], head: Head): Promise<readonly Confirmation[]> {
  const left: Confirmation[] = [];
  const certain: Changed[] = [];
  const again: Again[] = [];
  const open: Planned[] = [];
  for (const each of planned) {
    const { entry, step } = each;
    const { confirmation } = entry;
    if (step.type === "rebroadcast") again.push({ entry, stuck: step.stuck });
    else if (step.type === "mined") {
      const { mined, receipt } = step;
      if (receipt) lookAtRevert(deps, confirmation, receipt);
      certain.push({ before: confirmation, change: { state: "mined", mined }, ...(receipt && { receipt }) });
    } else if (step.type === "final" && paidBy(confirmation, step.receipt)) {
      const gasPaid = gasPaidIn(deps, confirmation, step.receipt);
      certain.push({
        before: confirmation,
        change: { state: "final", mined: step.receipt, gasPaid },
        receipt: step.receipt,
      });
    } else open.push(each);
  }
  const isStart = planned.every(({ entry }) => entry.sentAt === undefined);
  const together = isStart ? storedTogetherAtStart : storedTogether;
  for (let at = 0; at < certain.length; at += together) {
    if (at > 0) await breathe();
    const some = certain.slice(at, at + together);
    try {
      left.push(...(await changeAll(deps, some)).filter(({ state }) => state === "final"));
    } catch (error) {
      tell(deps, (some[0] as Changed).before, error);
    }
  }
  for (const { entry, step } of open) {
    const { confirmation } = entry;
    try {
      if (step.type === "vanished") {
        const change: ConfirmationChange = { state: "broadcast", reason: "its block was taken back" };
        const [back] = await changeAll(deps, [{ before: confirmation, change }]);
        if (back) again.push({ entry: { ...entry, confirmation: back }, stuck: false });
      } else if (step.type === "final") left.push(...(await settle(deps, confirmation, step.receipt, head)));
      else if (step.type === "displaced" && (await isDisplaced(deps, entry, head)))
        left.push(...(await freeDisplaced(deps, confirmation)));
    } catch (error) {
      tell(deps, confirmation, error);
    }
  }
  await sendAgain(
    deps,
    again.toSorted((a, b) => (a.entry.confirmation.nonce ?? 0) - (b.entry.confirmation.nonce ?? 0)),
    head,
  ).catch((error) => {
    // What was settled in this round is settled.
    if (error instanceof FatalError) throw error;
    deps.report({ type: "retry", what: "sending again", error, inMs: 0 });
  });
  return left;
}

function lookAtRevert(deps: TrackDeps, confirmation: Confirmation, receipt: Receipt): void {
  if (isConfirm(confirmation, receipt) && !receipt.succeeded) deps.lane.reverts.look(deps, confirmation, receipt);
}

const isConfirm = ({ attempts }: Confirmation, receipt: Receipt): boolean =>
  attempts.some(({ kind, hash }) => kind === "confirm" && hash === receipt.hash);

const paidBy = (confirmation: Confirmation, receipt: Receipt): boolean =>
  receipt.succeeded && isConfirm(confirmation, receipt);

function gasPaidIn({ signer }: TrackDeps, { attempts }: Confirmation, receipt: Receipt): ConfirmationChange["gasPaid"] {
  const attempt = attempts.find(({ hash }) => hash === receipt.hash);
  const payer = attempt?.signer ?? signer.address;
  return attempt && { signer: payer, nonce: attempt.nonce, cost: wei(gasCost(attempt, receipt)) };
}

async function settle(
  deps: TrackDeps,
  confirmation: Confirmation,
  receipt: Receipt,
  head: BlockRef,
): Promise<readonly Confirmation[]> {
  const change = await unpaidChange(deps, confirmation, receipt, head);
  const gasPaid = gasPaidIn(deps, confirmation, receipt);
  const reverted = isConfirm(confirmation, receipt) && change.state !== "superseded";
  // What a former key has sent may lack its right by now: that is no sign against what is paid with the others.
  const isRevert = reverted && deps.canSign !== false;
  return changeAll(deps, [{ before: confirmation, change: { ...change, gasPaid }, receipt, isRevert }]);
}

/** What becomes of a confirmation whose nonce was used up, finally, without paying. */
async function unpaidChange(
  deps: TrackDeps,
  confirmation: Confirmation,
  receipt: Receipt,
  head: BlockRef,
): Promise<ConfirmationChange> {
  const reverted = isConfirm(confirmation, receipt);
  lookAtRevert(deps, confirmation, receipt);
  const isDead = !reverted && isGivenUp(confirmation);
  const check = await payable(deps, confirmation, deps.signer.address).catch((error): Payable => {
    // A node that refuses even to try the call is why it was given up.
    if (isDead && isRefusedUntried(deps, error)) return { type: "not-now", reason: error.message };
    throw error;
  });
  // What is known by now: nothing waits for it.
  const why = reverted ? deps.lane.reverts.of(receipt.hash) : undefined;
  const also = why === undefined ? "" : `; it reverted: ${why}`;
  if (check.type === "settled") return { state: "superseded", reason: `${check.reason}${also}`, mined: receipt };
  if (check.type === "refused") {
    const { reason, withoutTask } = check;
    return { state: "cancelled", reason: `${reason}${also}`, mined: receipt, withoutTask };
  }
  if (isDead) return { state: "dead", reason: confirmation.reason, mined: receipt };
  const reverts = reverted ? await revertsOf(deps, confirmation, head) : 0;
  if (reverts >= mostReverts) {
    const reason = `it reverted ${reverts} times although its simulation had passed${why === undefined ? "" : `: ${why}`}`;
    return { state: "dead", reason, mined: receipt };
  }
  return {
    state: "intended",
    reason: reverted
      ? `it reverted${why === undefined ? "" : ` (${why})`}, and is tried anew`
      : "its nonce was used up, and it is tried anew",
  };
}

/** How often it reverted; what was cancelled, or lost its nonce to a stranger, did not. */
async function revertsOf({ chain }: TrackDeps, { attempts }: Confirmation, head: BlockRef): Promise<number> {
  const nonces = new Set(attempts.map(({ signer, nonce }) => `${signer} ${nonce}`)).size;
  if (nonces < mostReverts) return nonces;
  const hashes = attempts.filter(({ kind }) => kind === "confirm").map(({ hash }) => hash);
  const receipts = allReceipts(await chain.receiptsAt(hashes, head.number, head.hash));
  return receipts.filter(({ succeeded }) => !succeeded).length;
}
