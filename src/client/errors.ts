import { BaseError, exitCodes } from "../errors.ts";

/** What was given cannot work: nothing was signed, and no gas was spent. Correct it, and call again. */
export class InputError extends BaseError {
  override readonly exitCode: number = exitCodes.config;
}

/** The chain, as it is now, would refuse it: nothing was signed, and no gas was spent. */
export class RefusedError extends BaseError {
  override readonly exitCode: number = exitCodes.failed;
}

type Sent = { readonly hash: `0x${string}`; readonly nonce: number };

/** It was mined and reverted, although it would have succeeded when it was signed. The gas is spent, nothing else. */
export class TransactionFailedError extends BaseError {
  override readonly exitCode: number = exitCodes.failed;
  readonly hash: `0x${string}`;
  readonly nonce: number;

  constructor(what: string, { hash, nonce }: Sent, reason: string) {
    super(`${what} was mined and reverted (${reason}): ${hash}`, {
      code: "TRANSACTION_REVERTED",
      remedy: "look at the chain's state, and try again if it still makes sense",
    });
    this.hash = hash;
    this.nonce = nonce;
  }
}

/**
 * It was signed and sent, and is not mined in time. It may be mined at any moment, so its nonce stays taken. Wait on with
 * `waitForTransaction(client, error)`; a second `publishTask` would publish a second task.
 */
export class NotMinedError extends BaseError {
  override readonly exitCode: number = exitCodes.temporary;
  readonly hash: `0x${string}`;
  readonly nonce: number;

  constructor(what: string, { hash, nonce }: Sent, why: string) {
    super(`${what} is sent and not mined yet (${why}): ${hash}, nonce ${nonce}`, {
      code: "NOT_MINED_YET",
      remedy: "wait on, or see with `nonce info` what holds it up; `nonce fix` mends what is stuck",
    });
    this.hash = hash;
    this.nonce = nonce;
  }
}
