import type { BareSignature, Parity, Signature } from "./signature.ts";

/** A check that answers at once. */
export type CurveCheck = (digest: Uint8Array, signature: BareSignature) => Parity | undefined;

/** The same for several signatures, in their order, by one who has the key. */
export type OwnCheck = (
  digests: readonly Uint8Array[],
  signatures: readonly Signature[],
) => readonly (Parity | undefined)[];

/** secp256k1, as much of it as signing transactions needs. Every implementation gives the same bytes. */
export type Curve = {
  /** Uncompressed: 65 bytes. @throws if the 32 bytes are no private key. */
  readonly publicKey: (privateKey: Uint8Array) => Uint8Array;
  /** Deterministic (RFC 6979, HMAC-SHA256, no extra entropy), with a low s. */
  readonly sign: (digest: Uint8Array, privateKey: Uint8Array) => Signature;
  /** The uncompressed public key that made a signature; `undefined` if none can have. */
  readonly recover: (digest: Uint8Array, signature: Signature) => Uint8Array | undefined;
  /** Prepares for many signatures by one key: far cheaper than recovering the key each time. */
  readonly checkFor: (publicKey: Uint8Array) => CurveCheck;
  /** Cheaper yet, where there is such a way. */
  readonly ownCheckFor?: (privateKey: Uint8Array) => OwnCheck;
};
