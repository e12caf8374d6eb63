import { explainRevert } from "../protocol/reverts.ts";
import { RefusedError } from "./errors.ts";

type Known = readonly [code: string, remedy: string];

/** Revert texts of the network's contracts as the library's codes; others keep their text. */
const known: Readonly<Record<string, Known>> = {
  NotOwner: ["NOT_ALLOWED", "sign with the client's key, or have the client authorise this one: `agent set`"],
  OwnableUnauthorizedAccount: ["NOT_ALLOWED", "sign with the key that the contract belongs to"],
  Expired: ["EXPIRED", "the task's time is over; publish it anew"],
  AlreadyConfirmed: ["ALREADY_CONFIRMED", "nothing is left to do: it was paid"],
  AlreadyFinalized: ["TASK_CLOSED", "the task is settled; a task is paid once"],
  InsufficientBalance: ["VAULT_UNFUNDED", "deposit into the client's balance in the Vault"],
  SourceInactive: ["SOURCE_INACTIVE", "use another source"],
  NotFound: ["NOT_FOUND", "give the address of one that this network's contracts made"],
  NotCancelable: ["NOT_CANCELABLE", "only a task that nobody has attempted can be cancelled"],
  PaymentTooLow: ["PAYMENT_TOO_LOW", "pay the source's minimum or more"],
  ExpiryTooFar: ["EXPIRY_TOO_FAR", "let the task expire within the source's maximum"],
};

/** A revert as a typed error. @param what The call, for the message. */
export function refusal(what: string, reason: string, cause?: unknown): RefusedError {
  const [code, remedy] = known[reason] ?? [
    "REVERTED",
    "read the chain's state, and correct what the contract objects to",
  ];
  return new RefusedError(`${what} would revert: ${explainRevert(reason)}`, { code, remedy, cause });
}
