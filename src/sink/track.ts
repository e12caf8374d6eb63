import type { Receipt } from "../chain/chainPort.ts";
import { FatalError } from "../errors.ts";
import type { Confirmation, ConfirmationChange } from "../journal/journal.ts";
import { type AccountAddress, type Nonce, toNonce } from "../protocol/brand.ts";
import { isClosed, statusName, TaskStatus } from "../protocol/statuses.ts";
import type { Reporter } from "../report.ts";
import type { AdmitDeps } from "./admit.ts";
import type { InFlight, Lane } from "./lane.ts";
import { nextStep, type View } from "./nextStep.ts";
import { classifyAnswer } from "./nodeErrors.ts";
import { replace } from "./replace.ts";

export type TrackDeps = AdmitDeps & {
  readonly lane: Lane;
  /** Confirmations that another key than `signer` has signed, before the daemon was given this one. */
  readonly formerSigners: Map<number, AccountAddress>;
  readonly report: Reporter;
  /** Blocks on top of a receipt before it is final. */
  readonly finalityDepth: number;
  readonly rebroadcastAfterMs: number;
};

/** Sends the newest attempt. Whatever the node answers, the nonce stays taken. */
export async function broadcast(deps: TrackDeps, confirmation: Confirmation): Promise<void> {
  const { chain, journal, lane, report, now } = deps;
  const newest = confirmation.attempts.at(-1);
  if (newest === undefined) return;
  lane.keep(confirmation, now());
  const answer = await chain.broadcast(newest.raw);
  const kind = answer.ok ? "accepted" : classifyAnswer(answer.message);
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
  const { chain, lane, signer, finalityDepth } = deps;
  const entries = lane.inFlight();
  if (entries.length === 0) return [];
  const head = await chain.head();
  const depth = BigInt(finalityDepth);
  const signedBy = ({ confirmation: { id } }: InFlight) => deps.formerSigners.get(id) ?? signer.address;
  // The counts come first: what they count was mined before the receipts are read, so a missing receipt means something.
  const finalNonces = new Map<AccountAddress, Nonce>();
  for (const account of new Set(entries.map(signedBy))) {
    finalNonces.set(account, await chain.minedNonce(account, head.number > depth ? head.number - depth : 0n));
  }
  const left: Confirmation[] = [];
  for (const entry of entries) {
    try {
      const settled = await trackOne(deps, entry, {
        head: head.number,
        finalNonce: finalNonces.get(signedBy(entry)) ?? toNonce(0),
      });
      if (settled) left.push(settled);
    } catch (error) {
      // One that cannot be looked at must hold up neither the ones after it nor what the ones before it came to.
      if (error instanceof FatalError) throw error;
      deps.report({ type: "retry", what: `confirmation ${entry.confirmation.id}`, error, inMs: 0 });
    }
  }
  return left;
}

async function trackOne(
  deps: TrackDeps,
  entry: InFlight,
  { head, finalNonce }: Pick<View, "head" | "finalNonce">,
): Promise<Confirmation | undefined> {
  const receipts = await Promise.all(entry.confirmation.attempts.map(({ hash }) => deps.chain.receipt(hash)));
  return carryOut(deps, entry, {
    head,
    finalityDepth: deps.finalityDepth,
    receipts: receipts.filter((receipt) => receipt !== undefined),
    finalNonce,
    sinceBroadcastMs: entry.sentAt === undefined ? undefined : deps.now() - entry.sentAt,
    rebroadcastAfterMs: deps.rebroadcastAfterMs,
  });
}

async function carryOut(deps: TrackDeps, { confirmation }: InFlight, view: View): Promise<Confirmation | undefined> {
  const step = nextStep(confirmation, view);
  switch (step.type) {
    case "stay":
      return undefined;
    case "rebroadcast":
      // A former key can replace nothing; its bytes go out again as they are.
      await broadcast(
        deps,
        (step.stuck && !deps.formerSigners.has(confirmation.id) && (await replace(deps, confirmation))) || confirmation,
      );
      return undefined;
    case "mined":
      await change(deps, confirmation, { state: "mined", mined: step.receipt }, step.receipt);
      return undefined;
    case "vanished": {
      const back = await change(deps, confirmation, { state: "broadcast", reason: "its block was taken back" });
      await broadcast(deps, back);
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

async function finalChange(
  { chain, journal }: TrackDeps,
  { task }: Confirmation,
  receipt: Receipt,
): Promise<ConfirmationChange> {
  if (receipt.succeeded) return { state: "final", mined: receipt };
  const record = await journal.task(task);
  const status = record && (await chain.snapshot(task, record.source, [])).task.status;
  if (status !== undefined && isClosed(status)) {
    return { state: "superseded", reason: `reverted: the task is ${statusName(TaskStatus, status)}`, mined: receipt };
  }
  return { state: "dead", reason: "it reverted although its simulation had passed", mined: receipt };
}

async function change(
  { journal, lane, report, now }: TrackDeps,
  before: Confirmation,
  to: ConfirmationChange,
  receipt?: Receipt,
): Promise<Confirmation> {
  const confirmation = await journal.changeConfirmation(before.id, to);
  lane.keep(confirmation, now());
  report({ type: "confirmation", confirmation, ...(receipt && { receipt }) });
  return confirmation;
}
