import { RpcError } from "../chain/jsonRpc.ts";
import type { Confirmation } from "../journal/journal.ts";
import { whyGivenUp } from "./givenUp.ts";
import { classifyAnswer } from "./nodeErrors.ts";
import { isSilent } from "./refusals.ts";
import { cancel, type Replacement, signAfresh } from "./replace.ts";
import type { TrackDeps } from "./track.ts";

/** Times in a row that the same bytes must be refused for good before nodes are taken at their word. */
const patience = 2;

/** Whether nodes have called its newest bytes hopeless for long enough. */
export const isHopeless = ({ lane }: TrackDeps, confirmation: Confirmation): boolean =>
  (lane.refusals.of(confirmation)?.times ?? 0) >= patience;

/** A node does not even try the call: it needs more gas than a block, or than the node allows. */
export const isRefusedUntried = ({ answers }: TrackDeps, error: unknown): error is RpcError => {
  if (!(error instanceof RpcError)) return false;
  const kind = classifyAnswer(error.message, answers);
  // Of a call that offers no price, "gas required exceeds allowance" tells of no purse.
  return kind === "hopeless" || kind === "no-funds";
};

/**
 * Nodes refuse its bytes for good, and whatever has a higher nonce waits behind them. They may be in some node all the
 * same, so only what replaces them in their nonce may be signed: the same call once more, with the gas and the fees of
 * now; and where that is refused as well, a transfer of nothing. The confirmation is dead when that is final, and paid if
 * one of its own bytes was mined after all.
 *
 * @param mayPay It was checked that it may be paid now; else nothing goes out that pays.
 * @returns what goes out, if anything.
 * @throws RetryableError if the endpoint does not answer; nothing was signed then.
 */
export async function overcome(
  deps: TrackDeps,
  confirmation: Confirmation,
  mayPay: boolean,
): Promise<Confirmation | undefined> {
  const { lane, report, canSign = true } = deps;
  const refusal = lane.refusals.of(confirmation);
  const asItIs = mayPay ? confirmation : undefined;
  if (refusal === undefined) return asItIs;
  const { message, wasMended } = refusal;
  const helpless = () => {
    tellHelpless(deps, confirmation);
    return asItIs;
  };
  if (!canSign) return helpless();
  const anew = mayPay && !wasMended ? await signAnew(deps, confirmation) : ({ type: "nothing" } as const);
  if (anew.type === "not-now") return undefined;
  // A ceiling is no reason to give up what may be paid.
  if (anew.type === "ceiling") return helpless();
  if (anew.type === "signed") {
    lane.refusals.mended(confirmation.id);
    report({ type: "hopeless", confirmation: anew.confirmation, message, did: "signed-anew" });
    return anew.confirmation;
  }
  const cancelled = await cancel(deps, confirmation, whyGivenUp(message));
  if (cancelled.type !== "signed") return helpless();
  report({ type: "hopeless", confirmation: cancelled.confirmation, message, did: "gave-up" });
  return cancelled.confirmation;
}

/** Nothing more can be done about it: it is sent again and again, and the operator is told, once. */
export function tellHelpless({ lane, report }: TrackDeps, confirmation: Confirmation): void {
  const refusal = lane.refusals.of(confirmation);
  if (refusal === undefined || refusal.wasTold) return;
  lane.refusals.told(confirmation.id);
  report({ type: "hopeless", confirmation, message: refusal.message, did: "nothing" });
}

/**
 * A last word: alone, its bytes go to every endpoint, and one that takes them makes them hopeful again. `silent`: nobody said
 * anything of them, and one may have taken them.
 */
export async function lastWord(deps: TrackDeps, confirmation: Confirmation): Promise<"taken" | "silent" | "refused"> {
  const { chain, lane, answers } = deps;
  const raw = confirmation.attempts.at(-1)?.raw;
  if (raw === undefined) return "refused";
  const answer = await chain.broadcast(raw);
  const [kind, message] = answer.ok
    ? (["accepted", ""] as const)
    : [classifyAnswer(answer.message, answers), answer.message];
  lane.refusals.note(confirmation, kind, message);
  if (isSilent(kind)) return "silent";
  return isHopeless(deps, confirmation) ? "refused" : "taken";
}

/** A node that cannot even estimate the call leaves nothing to sign anew. `not-now`: it would revert. */
async function signAnew(
  deps: TrackDeps,
  confirmation: Confirmation,
): Promise<Replacement | { readonly type: "not-now" }> {
  try {
    const simulation = await deps.chain.simulateConfirm(deps.signer.address, confirmation.response);
    return simulation.ok ? await signAfresh(deps, confirmation, simulation.gas) : { type: "not-now" };
  } catch (error) {
    if (isRefusedUntried(deps, error)) return { type: "nothing" };
    throw error;
  }
}
