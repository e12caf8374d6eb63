import type { DeliveryMethod } from "../protocol/statuses.ts";
import type { Signer } from "../signer/signerPort.ts";

/** 20 bytes of hex. What the library answers is checksummed (EIP-55). */
export type Address = `0x${string}`;

/** Wei, or a text with its unit, such as `"0.05 OGPU"`. */
export type Amount = bigint | string;

/** URLs of docker-compose files, one for each kind of machine that a source can run on; one at least. */
export type ImageEnvironments = {
  readonly cpu?: string;
  readonly nvidia?: string;
  readonly amd?: string;
};

/** A service that a client offers work on. */
export type SourceInfo = {
  readonly name: string;
  readonly description: string;
  readonly logoUrl: string;
  readonly imageEnvs: ImageEnvironments;
  /** The least that a task must pay. */
  readonly minPayment: Amount;
  /** What a provider must have locked up to register. */
  readonly minAvailableLockup: Amount;
  /** The longest that a task may run, in seconds. */
  readonly maxExpiryDuration: number;
  /** @default MANUAL_CONFIRMATION */
  readonly deliveryMethod?: DeliveryMethod;
};

/** What a task asks of its source; further fields are passed on. */
export type TaskInput = {
  readonly function_name: string;
  /** Anything that JSON can hold. */
  readonly data: unknown;
  readonly [field: string]: unknown;
};

export type TaskInfo = {
  readonly source: string;
  /** The input, which is uploaded; or what stands on chain as it is: a URL, or JSON. */
  readonly config: TaskInput | string;
  /** When the task expires: unix seconds, by the chain's clock. */
  readonly expiryTime: number | Date;
  /** The most that the task may cost; it is frozen in the Vault until the task is settled. */
  readonly payment: Amount;
};

/** A source as it stands on chain. */
export type SourceState = {
  readonly address: Address;
  readonly client: Address;
  /** See `SourceStatus`. */
  readonly status: number;
  readonly deliveryMethod: number;
  /** Wei. */
  readonly minPayment: bigint;
  /** Wei. */
  readonly minAvailableLockup: bigint;
  /** Seconds. */
  readonly maxExpiryDuration: number;
  readonly imageMetadataUrl: string;
};

/** A task as it stands on chain. */
export type TaskState = {
  readonly address: Address;
  readonly source: Address;
  readonly client: Address;
  /** A URL, or JSON. */
  readonly config: string;
  /** Unix seconds. */
  readonly expiryTime: number;
  /** Wei. */
  readonly payment: bigint;
  /** See `TaskStatus`; EXPIRED is set lazily. */
  readonly status: number;
  readonly deliveryMethod: number;
  /** Its time is over by the chain's clock, whatever the status says. */
  readonly isExpired: boolean;
};

/** An answer to a task. */
export type Response = {
  readonly address: Address;
  readonly task: Address;
  readonly provider: Address;
  /** A URL, JSON or text, written by a stranger: read it with `fetchJson`. */
  readonly data: string;
  /** The provider's price, wei. */
  readonly payment: bigint;
  /** See `ResponseStatus`. */
  readonly status: number;
  /** When it was submitted, unix seconds. */
  readonly timestamp: number;
  readonly confirmed: boolean;
};

export type ConfirmedResponse = { readonly address: Address; readonly data: string };

/** A transaction that was mined. */
export type MinedTransaction = {
  readonly hash: `0x${string}`;
  readonly nonce: number;
  readonly blockNumber: bigint;
  /** After a reorg another block may stand at that height. */
  readonly blockHash: `0x${string}`;
  /** What it cost in gas, wei. */
  readonly fee: bigint;
};

/** What every function that sends a transaction takes. */
export type WriteOptions = {
  /** @default the client's */
  readonly signer?: Signer | `0x${string}`;
  /**
   * Instead of the next free one. Refused (`NONCE_TAKEN`) where a transaction is mined or waits in it: a program that keeps it, and
   * is killed, can call again with it, and has the call mined once.
   */
  readonly nonce?: number;
  /** How often it is signed anew, in another nonce, after somebody else used the nonce, or it reverted, finally. @default 3 */
  readonly maxRetries?: number;
  /** Milliseconds to wait until it is mined. @default 120_000 */
  readonly timeoutMs?: number;
  /** Blocks that hold it or stand on top of it before it counts as mined. @default 1 */
  readonly confirmations?: number;
};
