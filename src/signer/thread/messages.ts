import type { AccountAddress } from "../../protocol/brand.ts";
import type { BareSignature, Parity, Signature } from "../signature.ts";

/** Which implementation of the curve signs. */
export type Engine = "javascript" | "native";

/** What a thread is born with; nothing else ever holds the key there. */
export type Birth = {
  readonly engine: Engine;
  /** Without it the thread only checks. */
  readonly privateKey: Uint8Array | undefined;
  readonly address: AccountAddress;
};

/**
 * All digests of one moment go in one message, and in one piece of memory: each by itself costs as much on the way as half a
 * signature.
 */
export type Order =
  /** Sign, and check what was signed. @param digests 32 bytes for each ID. */
  | { readonly type: "sign"; readonly ids: readonly number[]; readonly digests: Uint8Array }
  | {
      readonly type: "check";
      readonly id: number;
      readonly digest: Uint8Array;
      readonly signature: BareSignature;
    };

export type Answer =
  | { readonly type: "ready" }
  /** @param signed As `packSigned` writes it. */
  | { readonly type: "signed"; readonly ids: readonly number[]; readonly signed: Uint8Array }
  | { readonly type: "checked"; readonly id: number; readonly parity: Parity | undefined }
  /** No reason is given: it might quote the key. */
  | { readonly type: "failed"; readonly ids: readonly number[] };

/** A signature, and the parity that a check of it found: `undefined` where it is not the account's. */
export type Signed = { readonly signature: Signature; readonly parity: Parity | undefined };

export const digestBytes = 32;
/** r, s, the parity of the signature, the parity that was found. */
const signedBytes = 66;
const none = 255;

export function packSigned(all: readonly Signed[]): Uint8Array {
  const packed = Buffer.from(new ArrayBuffer(all.length * signedBytes));
  for (const [index, { signature, parity }] of all.entries()) {
    const at = index * signedBytes;
    packed.write(signature.r.toString(16).padStart(64, "0"), at, "hex");
    packed.write(signature.s.toString(16).padStart(64, "0"), at + 32, "hex");
    packed[at + 64] = signature.yParity;
    packed[at + 65] = parity ?? none;
  }
  return packed;
}

export function unpackSigned(packed: Uint8Array, index: number): Signed {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset + index * signedBytes, signedBytes);
  const integer = (from: number) => BigInt(`0x${bytes.toString("hex", from, from + 32)}`);
  return {
    signature: { r: integer(0), s: integer(32), yParity: parityOf(bytes[64]) ?? 0 },
    parity: parityOf(bytes[65]),
  };
}

const parityOf = (byte: number | undefined): Parity | undefined => (byte === 0 || byte === 1 ? byte : undefined);
