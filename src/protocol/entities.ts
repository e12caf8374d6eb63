import type { AccountAddress, ResponseAddress, SourceAddress, TaskAddress, UnixSeconds, Wei } from "./brand.ts";

export type Source = {
  readonly address: SourceAddress;
  readonly client: AccountAddress;
  /** See `SourceStatus`. */
  readonly status: number;
  /** See `DeliveryMethod`. A task inherits it when it is published. */
  readonly deliveryMethod: number;
  readonly minPayment: Wei;
  readonly minAvailableLockup: Wei;
  /** Seconds. */
  readonly maxExpiryDuration: number;
};

export type Task = {
  readonly address: TaskAddress;
  readonly source: SourceAddress;
  /** URL of (or inline) JSON `{function_name, data, …}`. */
  readonly config: string;
  readonly expiryTime: UnixSeconds;
  /** The most that the client pays; frozen in the Vault. */
  readonly payment: Wei;
  readonly deliveryMethod: number;
  /** See `TaskStatus`; EXPIRED is set lazily. */
  readonly status: number;
};

export type Response = {
  readonly address: ResponseAddress;
  readonly task: TaskAddress;
  readonly provider: AccountAddress;
  /** Written by a stranger who is paid if it passes: a URL, or inline JSON or text. */
  readonly data: string;
  /** The provider's price. */
  readonly payment: Wei;
  /** See `ResponseStatus`. */
  readonly status: number;
  readonly submittedAt: UnixSeconds;
};

/** What the chain says of a provider. */
export type ProviderStake = {
  /** Locked in the Vault. */
  readonly lockup: Wei;
  readonly eligible: boolean;
  /** The zero address where it has none. */
  readonly master: AccountAddress;
};
