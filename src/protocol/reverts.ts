/** Revert texts of the network's contracts, and what each means for a confirmation. Others exist: unknown ones reject too. */
export const knownReverts = {
  NotOwner: "the signer is neither the client nor its agent",
  NotMaster: "the sender is not a master",
  NotProvider: "the sender is not a provider",
  Expired: "the task's expiry time has passed",
  AlreadyConfirmed: "the response is confirmed already",
  AlreadyFinalized: "the task is finalised already",
  InsufficientBalance: "the client's balance in the Vault is too low",
  InsufficientLockup: "the provider's lockup is too low",
  UnbondingNotElapsed: "the unbonding period has not elapsed",
  NotEligible: "the account is not eligible",
  SourceInactive: "the source is inactive",
} as const;

export type KnownRevert = keyof typeof knownReverts;

/**
 * What a revert means for a confirmation: somebody else settled the task, its time is over, it may pass (an agent that is
 * not authorised yet, an empty Vault), or nobody knows.
 */
export type RevertMeaning = "settled" | "expired" | "passing" | "unknown";

const meanings: Partial<Record<string, RevertMeaning>> = {
  AlreadyConfirmed: "settled",
  AlreadyFinalized: "settled",
  Expired: "expired",
  NotOwner: "passing",
  InsufficientBalance: "passing",
  InsufficientLockup: "passing",
  NotEligible: "passing",
  SourceInactive: "passing",
  // A node that lags behind reverts so for a task or a response that it does not have yet.
  "reverted without a reason": "passing",
};

export const revertMeaning = (reason: string): RevertMeaning => meanings[reason] ?? "unknown";

/** What a revert reason means, for people; the reason itself where it is not known. */
export const explainRevert = (reason: string): string =>
  reason in knownReverts ? `${reason}: ${knownReverts[reason as KnownRevert]}` : reason;
