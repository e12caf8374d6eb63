import type { Receipt } from "../chain/chainPort.ts";
import { FatalError } from "../errors.ts";
import { type Confirmation, type ConfirmationChange, isInFlight } from "../journal/journal.ts";
import { isGivenUp } from "./givenUp.ts";
import type { TrackDeps } from "./track.ts";

/** What becomes of a confirmation in flight, and the receipt that says so. */
export type Changed = {
  readonly before: Confirmation;
  readonly change: ConfirmationChange;
  readonly receipt?: Receipt;
  /** It reverted, finally, and that is a sign against what is paid. @default false */
  readonly isRevert?: boolean;
};

/** What is given up stays so wherever its bytes stand. */
const stillGivenUp = (changed: Changed): Changed =>
  isGivenUp(changed.before) && isInFlight(changed.change.state)
    ? { ...changed, change: { ...changed.change, reason: changed.before.reason } }
    : changed;

/** What the circuit breaker counts, in the transaction that stores it: neither is ever without the other. */
function withOutcome({ guard }: TrackDeps, { change, isRevert = false }: Changed): ConfirmationChange {
  return isRevert || change.state === "final" ? { ...change, outcome: guard.outcome(isRevert) } : change;
}

/** Stores changes in one transaction; what is not in flight any more leaves the lane. */
export async function changeAll(deps: TrackDeps, asked: readonly Changed[]): Promise<readonly Confirmation[]> {
  const { journal, lane, report, now, guard } = deps;
  const changes = asked.map(stillGivenUp);
  if (changes.length === 0) return [];
  const changed = await journal.changeConfirmations(
    changes.map((each) => ({ id: each.before.id, change: withOutcome(deps, each) })),
    deps.fences?.(),
  );
  for (const [index, confirmation] of changed.entries()) {
    const { change, receipt } = changes[index] as Changed;
    const { id, state } = confirmation;
    if (isInFlight(state)) lane.keep(confirmation, { sentAt: now(), sentAtBlock: lane.newestBlock() });
    else lane.release(id);
    if (state === "cancelled") guard.release(id);
    else if (!isInFlight(state) && state !== "intended") guard.settle(id);
    const { gasPaid } = change;
    if (gasPaid) await counted(deps, () => guard.settleGas(gasPaid.signer, gasPaid.nonce, gasPaid.cost));
    report({ type: "confirmation", confirmation, ...(receipt && { receipt }) });
  }
  // It may have paused all paying.
  if (changes.some(({ isRevert }) => isRevert)) await counted(deps, guard.isPaused);
  return changed;
}

/** What is settled is settled, whether or not it can be counted now. */
async function counted({ report }: TrackDeps, count: () => Promise<unknown>): Promise<void> {
  try {
    await count();
  } catch (error) {
    if (error instanceof FatalError) throw error;
    report({ type: "retry", what: "counting an outcome", error, inMs: 0 });
  }
}
