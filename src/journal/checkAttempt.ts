import { FatalError, RetryableError } from "../errors.ts";
import { type Confirmation, isInFlight, type NewAttempt } from "./journal.ts";
import type { CheckFence } from "./leaseJournal.ts";
import type { Work } from "./work.ts";

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
