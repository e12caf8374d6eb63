import { createRequire } from "node:module";
import { ConfigError } from "../errors.ts";
import type { Curve } from "./curve.ts";
import { isCanonical, type Parity } from "./signature.ts";

/** What of the package `secp256k1` (bitcoin-core's C library) is used. */
type Bindings = {
  readonly publicKeyCreate: (privateKey: Uint8Array, compressed: boolean) => Uint8Array;
  readonly ecdsaSign: (digest: Uint8Array, privateKey: Uint8Array) => { signature: Uint8Array; recid: number };
  readonly ecdsaRecover: (signature: Uint8Array, recid: number, digest: Uint8Array, compressed: boolean) => Uint8Array;
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

function nativeCurve({ publicKeyCreate, ecdsaSign, ecdsaRecover }: Bindings): Curve {
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
  };
}

const hex = (value: bigint): string => value.toString(16).padStart(64, "0");
const integer = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
