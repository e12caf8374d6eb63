import type { Head } from "../chain/chainPort.ts";
import { FatalError } from "../errors.ts";
import type { Confirmation } from "../journal/journal.ts";
import type { UnixSeconds } from "../protocol/brand.ts";
import { firstSeen } from "./firstSeen.ts";
import type { InFlight } from "./lane.ts";
import { isHopeless, isRefusedUntried, lastWord, overcome, tellHelpless } from "./overcome.ts";
import { type Payable, payableAll } from "./payable.ts";
import { cancel, cancelWithMoreGas, type Replacement, replace } from "./replace.ts";
import { broadcastAll } from "./send.ts";
import { tellCeiling } from "./tellCeiling.ts";
import { tellKeyless } from "./tellKeyless.ts";
import type { TrackDeps } from "./track.ts";

export type Again = {
  readonly entry: InFlight;
  /** The bytes were out for long: a higher fee may help. */
  readonly stuck: boolean;
};

/** Read and simulated in one request, at the most. */
const mostTogether = 20;
/** Seconds before a task's end from which on what is offered is raised to what hurried transactions pay. */
const urgentBefore = 600;

/**
 * Sends bytes again, or better ones, where what they pay is still what was approved; else uses the nonce up, once that has
 * been so for a while: the next block may bring the response back.
 */
export async function sendAgain(
  deps: TrackDeps,
  all: readonly Again[],
  { timestamp }: Pick<Head, "timestamp">,
): Promise<void> {
  for (let at = 0; at < all.length; at += mostTogether)
    await sendSome(deps, all.slice(at, at + mostTogether), timestamp);
}

async function sendSome(deps: TrackDeps, some: readonly Again[], chainNow: UnixSeconds): Promise<void> {
  const isCancelled = ({ entry }: Again) => entry.confirmation.attempts.at(-1)?.kind === "cancel";
  const live = some.filter((each) => !isCancelled(each));
  const checks = await payableAll(
    deps,
    live.map(({ entry: { confirmation } }) => ({ confirmation, from: deps.signer.address })),
    live.some(({ stuck }) => stuck),
  );
  const toSend: Confirmation[] = [];
  for (const each of some) {
    const { confirmation } = each.entry;
    if (deps.canSign === false) tellKeyless(deps, each.entry);
    try {
      const bytes = isCancelled(each)
        ? await betterCancel(deps, each)
        : await bytesFor(deps, each, checks[live.indexOf(each)], chainNow);
      if (bytes) toSend.push(bytes);
    } catch (error) {
      tellTrouble(deps, confirmation, error);
    }
  }
  await broadcastAll(deps, toSend);
}

function tellTrouble({ report }: TrackDeps, { id }: Confirmation, error: unknown): void {
  if (error instanceof FatalError) throw error;
  report({ type: "retry", what: `confirmation ${id}`, error, inMs: 0 });
}

/** What goes out for one; `undefined`: nothing may, now. */
async function bytesFor(
  deps: TrackDeps,
  again: Again,
  check: Payable | Error | undefined,
  chainNow: UnixSeconds,
): Promise<Confirmation | undefined> {
  const { entry } = again;
  const { confirmation } = entry;
  const { refusals } = deps.lane;
  const isRefused = refusals.of(confirmation) !== undefined;
  if (isRefused && isRefusedUntried(deps, check)) {
    // A node that refuses even to try the call says the same once more; bytes that nobody checked are not sent again.
    refusals.note(confirmation, "hopeless", check.message);
    if (isHopeless(deps, confirmation)) return overcome(deps, confirmation, false);
  }
  if (check === undefined || check instanceof Error) throw check;
  if (check.type === "yes" && isHopeless(deps, confirmation)) {
    const word = await lastWord(deps, confirmation);
    if (word === "silent") {
      // No refusal: they are asked again in the next round.
      heldBack(deps, entry, "nodes refused its bytes for good, and now none says whether it takes them", 0);
      return undefined;
    }
    return word === "taken" ? confirmation : overcome(deps, confirmation, true);
  }
  if (check.type === "yes") {
    // A block's time stands still with the chain, and a machine's clock may be behind the chain's.
    const now = Math.max(chainNow, deps.now() / 1_000);
    const urgent = check.expiresAt !== undefined && check.expiresAt - now < urgentBefore;
    // What nodes refuse for good no fee helps; the same bytes tell whether they mean it.
    return isRefused ? confirmation : better(deps, again, urgent);
  }
  const at = deps.now();
  const doomedSince = firstSeen(entry.doomedSince, at);
  deps.lane.note(confirmation.id, { doomedSince });
  const wait = deps.rebroadcastAfterMs - (at - doomedSince);
  const { canSign = true } = deps;
  // Nothing else can free its nonce: where the right alone is missing they revert, or pay what was approved if that is given back.
  if (wait <= 0 && !canSign && check.type === "not-now" && check.ofKey) return confirmation;
  const cancelled: Replacement = wait <= 0 && canSign ? await cancel(deps, confirmation) : { type: "nothing" };
  if (cancelled.type === "signed") return cancelled.confirmation;
  if (cancelled.type === "ceiling") tellCeiling(deps, confirmation, cancelled.cap);
  heldBack(deps, entry, `not sent again: ${check.reason}`, Math.max(0, wait));
  return undefined;
}

/** Why nothing goes out is said when it is news, and once in a while: it is looked at with each block. */
function heldBack(deps: TrackDeps, { confirmation, heldBack: last }: InFlight, reason: string, forMs: number): void {
  const at = deps.now();
  if (last?.reason === reason && at - last.at < deps.rebroadcastAfterMs) return;
  deps.lane.note(confirmation.id, { heldBack: { reason, at } });
  deps.report({ type: "postponed", confirmation, reason, forMs });
}

/** Bytes that use a nonce up; where nodes call them hopeless as well, other fees and other gas are all that is left to try. */
async function betterCancel(deps: TrackDeps, again: Again): Promise<Confirmation> {
  const { confirmation } = again.entry;
  const { canSign = true } = deps;
  if (!isHopeless(deps, confirmation)) {
    return deps.lane.refusals.of(confirmation) === undefined ? better(deps, again, false) : confirmation;
  }
  tellHelpless(deps, confirmation);
  const dearer = await better(deps, again, false);
  if (dearer !== confirmation || !again.stuck || !canSign) return dearer;
  const roomier = await cancelWithMoreGas(deps, confirmation);
  if (roomier.type === "ceiling") tellCeiling(deps, confirmation, roomier.cap);
  return roomier.type === "signed" ? roomier.confirmation : confirmation;
}

/**
 * Dearer bytes where the old ones were out for long and that can help: a former key can replace nothing, and no fee helps
 * where money is missing. Else the old ones, for ever: at the ceiling the operator is told, once.
 */
async function better(deps: TrackDeps, { entry, stuck }: Again, urgent: boolean): Promise<Confirmation> {
  const { confirmation } = entry;
  const { canSign = true } = deps;
  if (!stuck || !canSign || entry.answer === "no-funds") return confirmation;
  const replacement = await replace(deps, confirmation, urgent).catch((error: unknown): Replacement => {
    // The old ones need no signer.
    tellTrouble(deps, confirmation, error);
    return { type: "nothing" };
  });
  switch (replacement.type) {
    case "signed":
      return replacement.confirmation;
    case "ceiling":
      tellCeiling(deps, confirmation, replacement.cap);
      return confirmation;
    case "nothing":
      return confirmation;
    default:
      return replacement satisfies never;
  }
}
