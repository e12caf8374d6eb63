import type { Hex } from "../protocol/brand.ts";
import { addressOf } from "./addressOf.ts";
import { checkOwn, different } from "./checkSigned.ts";
import type { Curve, CurveCheck } from "./curve.ts";
import { javascriptCurve } from "./javascriptCurve.ts";
import type { Signer } from "./signerPort.ts";
import { writeTransaction } from "./transactionBytes.ts";

/**
 * Signs in this thread with a key held in memory, and checks what it signed.
 * @param privateKey 32 bytes of hex with `0x`.
 */
export function privateKeySigner(privateKey: Hex, curve: Curve = javascriptCurve): Signer {
  const key = keyBytes(privateKey);
  const publicKey = curve.publicKey(key);
  let check: CurveCheck | undefined;
  return {
    address: addressOf(publicKey),
    sign: async (transaction) => {
      check ??= curve.checkFor(publicKey);
      const { digest, signed } = writeTransaction(transaction);
      const hash = digest();
      const signature = curve.sign(hash, key);
      if (check(hash, signature) !== signature.yParity) throw different(["signer"]);
      return checkOwn(signed(signature), transaction, signature);
    },
  };
}

/** @param privateKey 32 bytes of hex with `0x`. */
export const keyBytes = (privateKey: Hex): Uint8Array => new Uint8Array(Buffer.from(privateKey.slice(2), "hex"));
