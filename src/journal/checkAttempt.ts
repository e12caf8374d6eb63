import { ConfigError, FatalError, RetryableError } from "../errors.ts";
import { type Confirmation, isInFlight, type NewAttempt } from "./journal.ts";
import type { CheckFence } from "./leaseJournal.ts";
import { type Pause, pauseNow } from "./sinkJournal.ts";
import type { Work } from "./work.ts";

/** Paying is paused: an approval is not signed, by nobody. What is signed already goes on. */
export const payingPaused = ({ at, who, why }: Pause): ConfigError =>
  new ConfigError(`paying is paused since ${new Date(at).toISOString()}, by ${who}: ${why}`, {
    code: "PAYING_PAUSED",
    remedy: "ogpu-confirmd resume, if the reason is gone",
  });

/**
 * Whoever paused was told that nothing new is signed from then on: what was asked for before that, such as the signature of
 * a slow signer, comes too late.
 * @throws ConfigError `PAYING_PAUSED`, as long as one of them is to be signed for the first time, or anew.
 */
export function* checkNotPaused(confirmations: readonly Pick<Confirmation, "state">[]): Work<void> {
  if (!confirmations.some(({ state }) => state === "intended")) return;
  const pause = yield* pauseNow();
  if (pause !== undefined) throw payingPaused(pause);
}

/** What is in flight is its key's: whoever does not hold the key changes nothing about it. */
export function* checkHolder({ state, attempts }: Confirmation, check: CheckFence): Work<void> {
  const signer = attempts.at(-1)?.signer;
  if (isInFlight(state) && signer !== undefined) yield* check(signer);
}

/**
 * @throws FatalError `NONCE_CONFLICT` if another attempt stands in the way of this one; RetryableError `WITHDRAWN` if somebody
 *   took the approval back before anything was signed for it.
 */
export function checkFree(
  { id, state, nonce: held, attempts }: Confirmation,
  { signer, attempt: { nonce } }: NewAttempt,
): void {
  const holder = attempts.at(-1)?.signer;
  if (state === "intended") return;
  if (state === "rejected" && attempts.length === 0) {
    // Nothing of the batch is kept: without this one, the nonces after its own would wait for ever.
    throw new RetryableError(`the approval ${id} was withdrawn while it was being signed: nothing was signed with it`, {
      code: "WITHDRAWN",
      remedy: "it is left out, and the others are tried again by themselves",
    });
  }
  if (holder !== undefined && holder !== signer) {
    throw new FatalError(`confirmation ${id} is signed by ${holder}: a signature by ${signer} would pay twice`, {
      code: "NONCE_CONFLICT",
    });
  }
  if (held !== nonce) {
    throw new FatalError(`confirmation ${id} holds nonce ${held}: nonce ${nonce} would pay twice`, {
      code: "NONCE_CONFLICT",
    });
  }
}
