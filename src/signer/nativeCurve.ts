import { createRequire } from "node:module";
import { ConfigError } from "../errors.ts";
import type { Curve, OwnCheck } from "./curve.ts";
import { inversesOf, isCanonical, type Parity, type Signature } from "./signature.ts";

/** What of the package `secp256k1` (bitcoin-core's C library) is used. */
type Bindings = {
  readonly publicKeyCreate: (privateKey: Uint8Array, compressed: boolean) => Uint8Array;
  readonly ecdsaSign: (digest: Uint8Array, privateKey: Uint8Array) => { signature: Uint8Array; recid: number };
  readonly ecdsaRecover: (signature: Uint8Array, recid: number, digest: Uint8Array, compressed: boolean) => Uint8Array;
  /** These two change the key that they are given, and answer it. */
  readonly privateKeyTweakAdd: (privateKey: Uint8Array, tweak: Uint8Array) => Uint8Array;
  readonly privateKeyTweakMul: (privateKey: Uint8Array, tweak: Uint8Array) => Uint8Array;
};

/**
 * The same curve in C, eight times as fast. It is not a dependency: whoever wants it installs `secp256k1` beside the
 * daemon. Its bindings are loaded by name, because the package itself falls back to another library without a word.
 *
 * @throws ConfigError `CURVE_MISSING`.
 */
export function loadNativeCurve(load: (name: string) => unknown = createRequire(import.meta.url)): Curve {
  let bindings: Bindings;
  try {
    bindings = load("secp256k1/bindings.js") as Bindings;
  } catch {
    throw new ConfigError("the native signing library cannot be loaded", {
      code: "CURVE_MISSING",
      remedy: "install it beside the daemon (npm install secp256k1@5), or set signer.engine: javascript",
    });
  }
  return nativeCurve(bindings);
}

function nativeCurve(bindings: Bindings): Curve {
  const { publicKeyCreate, ecdsaSign, ecdsaRecover } = bindings;
  const recover: Curve["recover"] = (digest, { r, s, yParity }) => {
    try {
      return ecdsaRecover(Buffer.from(hex(r) + hex(s), "hex"), yParity, digest, false);
    } catch {
      return undefined;
    }
  };
  return {
    publicKey: (privateKey) => publicKeyCreate(privateKey, false),
    sign: (digest, privateKey) => {
      const { signature, recid } = ecdsaSign(digest, privateKey);
      if (recid !== 0 && recid !== 1) throw new RangeError("a signature that no transaction can hold");
      return { r: integer(signature.subarray(0, 32)), s: integer(signature.subarray(32)), yParity: recid };
    },
    recover,
    checkFor: (publicKey) => (digest, signature) => {
      if (!isCanonical(signature)) return undefined;
      const first: Parity = signature.yParity ?? 0;
      return ([first, first === 0 ? 1 : 0] as const).find((yParity) => {
        const recovered = recover(digest, { ...signature, yParity });
        return recovered !== undefined && Buffer.compare(recovered, publicKey) === 0;
      });
    },
    ownCheckFor: (privateKey) => checkByNonce(bindings, privateKey),
  };
}

/**
 * A signature of the digest z by the key d is right where the point (z + r·d)/s · G has r as its x; its y tells the parity. That is
 * one multiple of G, for which the library has a table, where recovering the key takes two of other points. What would betray the
 * key is reckoned by the library, in the same time for all values; only s, which everybody sees, is inverted here.
 */
function checkByNonce(bindings: Bindings, privateKey: Uint8Array): OwnCheck {
  const { publicKeyCreate, privateKeyTweakAdd: plus, privateKeyTweakMul: times } = bindings;
  const publicKey = publicKeyCreate(privateKey, false);
  const parityOf = (digest: Uint8Array, signature: Signature, inverse: bigint): Parity | undefined => {
    if (!isCanonical(signature)) return undefined;
    const r = bytes(signature.r);
    const nonce = Uint8Array.from(privateKey);
    try {
      const point = publicKeyCreate(times(plus(times(nonce, r), digest), bytes(inverse)), false);
      if (Buffer.compare(point.subarray(1, 33), r) !== 0) return undefined;
      return (point[64] ?? 0) % 2 === 0 ? 0 : 1;
    } catch {
      return undefined;
    } finally {
      nonce.fill(0);
    }
  };
  return (digests, signatures) => {
    // A key that was damaged in memory would agree with itself.
    if (Buffer.compare(publicKeyCreate(privateKey, false), publicKey) !== 0) return digests.map(() => undefined);
    const inverses = inversesOf(signatures.map(({ s }) => s));
    return digests.map((digest, index) => parityOf(digest, signatures[index] as Signature, inverses[index] as bigint));
  };
}

const hex = (value: bigint): string => value.toString(16).padStart(64, "0");
const bytes = (value: bigint): Uint8Array => Buffer.from(hex(value), "hex");
const integer = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
