import { BaseError, exitCodes } from "../errors.ts";

/** What was given cannot work: nothing was signed, and no gas was spent. Correct it, and call again. */
export class InputError extends BaseError {
  override readonly exitCode: number = exitCodes.config;
}

/**
 * The chain, as it is now, would refuse it: nothing was signed, and no gas was spent; or what was signed came to nothing: it was
 * called off in its own nonce, or somebody else's transaction took that.
 */
export class RefusedError extends BaseError {
  override readonly exitCode: number = exitCodes.failed;
}

type Sent = { readonly hash: `0x${string}`; readonly nonce: number };

/**
 * It was mined and reverted, although it would have succeeded when it was signed, in a block that can no longer be taken back. The
 * gas is spent, nothing else.
 */
export class TransactionFailedError extends BaseError {
  override readonly exitCode: number = exitCodes.failed;
  readonly hash: `0x${string}`;
  readonly nonce: number;

  constructor(what: string, { hash, nonce }: Sent, reason: string, cause?: unknown) {
    super(`${what} was mined and reverted (${reason}): ${hash}, nonce ${nonce}`, {
      code: "TRANSACTION_REVERTED",
      remedy: "look at the chain's state, and try again if it still makes sense",
      cause,
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
  /** Not "try again": a script that does would publish, or send, a second time. */
  override readonly exitCode: number = exitCodes.failed;
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

/**
 * It is mined, and no endpoint tells the address of what it published. Do not publish it again: `getPublishedTask(client,
 * hash)` and `getPublishedSource(client, hash)` ask anew.
 */
export class AddressUnknownError extends BaseError {
  override readonly exitCode: number = exitCodes.failed;
  readonly hash: `0x${string}`;
  readonly nonce: number;

  constructor(what: string, { hash, nonce }: Sent, why: string, cause: unknown) {
    super(`${what} is mined, and its address is not known (${why}): ${hash}, nonce ${nonce}`, {
      code: "ADDRESS_UNKNOWN",
      remedy:
        "do not publish it again; `getPublishedTask` or `getPublishedSource` with that hash, or an explorer, tells the address",
      cause,
    });
    this.hash = hash;
    this.nonce = nonce;
  }
}
