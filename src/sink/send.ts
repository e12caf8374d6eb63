import type { BroadcastAnswer } from "../chain/chainPort.ts";
import { noAnswer } from "../chain/notTaken.ts";
import type { Confirmation } from "../journal/journal.ts";
import { classifyAnswer } from "./nodeErrors.ts";
import type { TrackDeps } from "./track.ts";

/** Sends the newest attempt. Whatever the node answers, the nonce stays taken. */
export const broadcast = (deps: TrackDeps, confirmation: Confirmation): Promise<void> =>
  broadcastAll(deps, [confirmation]);

/** Sends the newest attempt of each, in nonce order, in one request. */
export async function broadcastAll(deps: TrackDeps, confirmations: readonly Confirmation[]): Promise<void> {
  const { chain, journal, lane, report, now } = deps;
  const inOrder = confirmations
    .filter(({ attempts }) => attempts.length > 0)
    .toSorted((a, b) => (a.nonce ?? 0) - (b.nonce ?? 0));
  lane.keepAll(confirmations, { sentAt: now(), sentAtBlock: lane.newestBlock() });
  const raws = inOrder.flatMap(({ attempts }) => attempts.at(-1)?.raw ?? []);
  const [only, ...more] = raws;
  if (only === undefined) return;
  const answers = more.length === 0 ? [await chain.broadcast(only)] : await chain.broadcastAll(raws);
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
  // The tracker may have seen some mined while the answer was on its way: those stay as they are.
  const sentAt = now();
  const ids = accepted.map(({ id }) => id);
  const marked = new Set(await journal.markBroadcast(ids, deps.fences?.()));
  const told = accepted
    .filter(({ id }) => marked.has(id))
    .map(lane.newestOf)
    .filter(({ state }) => state === "signed")
    .map((confirmation): Confirmation => ({ ...confirmation, state: "broadcast" }));
  lane.keepAll(told, { sentAt, sentAtBlock: lane.newestBlock(), answer: "accepted" });
  for (const confirmation of told) report({ type: "confirmation", confirmation });
}
