import type { BroadcastAnswer } from "../chain/chainPort.ts";
import { noAnswer } from "../chain/notTaken.ts";
import type { Confirmation } from "../journal/journal.ts";
import { classifyAnswer } from "./nodeErrors.ts";
import type { TrackDeps } from "./track.ts";

/** Sends the newest attempt of each, in nonce order, in one request. Whatever the node answers, the nonces stay taken. */
export async function broadcastAll(deps: TrackDeps, confirmations: readonly Confirmation[]): Promise<void> {
  const { chain, lane, report, now } = deps;
  // The lane may know more of the same bytes: that a node took them, or where they are mined.
  const current = confirmations.map((confirmation) => {
    const known = lane.find(confirmation.id);
    return known?.attempts.at(-1)?.hash === confirmation.attempts.at(-1)?.hash ? (known ?? confirmation) : confirmation;
  });
  const inOrder = current
    .filter(({ attempts }) => attempts.length > 0)
    .toSorted((a, b) => (a.nonce ?? 0) - (b.nonce ?? 0));
  lane.keepAll(current, { sentAt: now(), sentAtBlock: lane.newestBlock() });
  const raws = inOrder.flatMap(({ attempts }) => attempts.at(-1)?.raw ?? []);
  if (raws.length === 0) return;
  const answers = await chain.broadcastAll(raws);
  const accepted = inOrder.filter((confirmation, index) => {
    const answer: BroadcastAnswer = answers[index] ?? noAnswer;
    const kind = answer.ok ? "accepted" : classifyAnswer(answer.message, deps.answers);
    lane.note(confirmation.id, { answer: kind });
    lane.refusals.note(confirmation, kind, answer.ok ? "" : answer.message);
    if (kind === "no-funds") deps.onNoFunds?.();
    if (!answer.ok && kind !== "accepted") {
      report({ type: "answer", confirmation, answer: kind, message: answer.why ?? answer.message });
    }
    return kind === "accepted" && confirmation.state === "signed";
  });
  if (accepted.length === 0) return;
  // The tracker may have seen some mined, or done with, while the answer was on its way: those stay as they are.
  const told = accepted.flatMap(({ id }): readonly Confirmation[] => {
    const newest = lane.find(id);
    return newest?.state === "signed" ? [{ ...newest, state: "broadcast" }] : [];
  });
  lane.keepAll(told, { sentAt: now(), sentAtBlock: lane.newestBlock(), answer: "accepted" });
  for (const confirmation of told) report({ type: "confirmation", confirmation });
}

/**
 * Tells the journal what nodes took and what has not been mined since. Nothing rests on it: what is signed goes out again after
 * a restart, whether or not a node has taken it; so it may wait for a round, in which most is mined already.
 */
export async function markSent({ lane, journal, fences, report }: TrackDeps): Promise<void> {
  const ids = lane
    .inFlight()
    .filter(
      ({ confirmation, answer, isMarked }) => confirmation.state === "broadcast" && answer === "accepted" && !isMarked,
    )
    .map(({ confirmation }) => confirmation.id);
  if (ids.length === 0) return;
  try {
    await journal.markBroadcast(ids, fences?.());
    for (const id of ids) lane.note(id, { isMarked: true });
  } catch (error) {
    // Whatever it is, the next write that matters meets it; what this round has settled is not to be lost for it.
    report({ type: "retry", what: "noting what was sent", error, inMs: 0 });
  }
}
