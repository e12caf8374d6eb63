import type { Fees } from "../chain/chainPort.ts";
import type { AccountAddress, Hash, Hex, Nonce } from "../protocol/brand.ts";

export type UnsignedTransaction = {
  readonly chainId: number;
  readonly to: Hex;
  readonly data: Hex;
  readonly nonce: Nonce;
  /** Gas units. */
  readonly gas: bigint;
  readonly fees: Fees;
};

export type SignedTransaction = { readonly raw: Hex; readonly hash: Hash };

/** Where the key lives. It signs what it is given and never shows the key. */
export type Signer = {
  readonly address: AccountAddress;
  /**
   * The bytes were read back and compared with what was asked before they are answered.
   * @throws FatalError `SIGNED_BYTES_DIFFER`; RetryableError where the key cannot be reached, and nothing was signed.
   */
  readonly sign: (transaction: UnsignedTransaction) => Promise<SignedTransaction>;
  /** Ends its threads and connections, where it has any. */
  readonly close?: () => Promise<void>;
};
