import { secp256k1 } from "@noble/curves/secp256k1";
import type { Curve, CurveCheck } from "./curve.ts";
import { publicMultiple } from "./publicMultiple.ts";
import { curveOrder, inverseOf, isCanonical, type Parity } from "./signature.ts";

/** Bits of the table of an account's multiples: about 1,200 points, made in some 20 ms. */
const window = 7;

/** `@noble/curves`: audited, pure JavaScript, and what viem signs with. */
export const javascriptCurve: Curve = {
  publicKey: (privateKey) => secp256k1.getPublicKey(privateKey, false),
  sign: (digest, privateKey) => {
    const { r, s, recovery } = secp256k1.sign(digest, privateKey, { lowS: true, extraEntropy: false, prehash: false });
    // 2 and 3 stand for an r above the order: nobody has ever seen one, and the chain cannot express it.
    if (recovery !== 0 && recovery !== 1) throw new RangeError("a signature that no transaction can hold");
    return { r, s, yParity: recovery };
  },
  recover: (digest, { r, s, yParity }) => {
    try {
      return new secp256k1.Signature(r, s).addRecoveryBit(yParity).recoverPublicKey(digest).toRawBytes(false);
    } catch {
      return undefined;
    }
  },
  checkFor: (publicKey) => checkByEquation(publicKey),
};

/**
 * The verification equation, for one key. `secp256k1.verify` makes no table for the key and takes five times as long, and
 * does not tell the parity: R = (digest·G + r·Q) / s must have r as its x, and recovers Q exactly if its y has that parity.
 */
function checkByEquation(publicKey: Uint8Array): CurveCheck {
  const { ProjectivePoint, utils } = secp256k1;
  const account = ProjectivePoint.fromHex(publicKey);
  account.assertValidity();
  utils.precompute(window, account);
  return (digest, signature) => {
    if (!isCanonical(signature)) return undefined;
    const { r, s } = signature;
    const z = BigInt(`0x${Buffer.from(digest).toString("hex")}`) % curveOrder;
    if (z === 0n) return undefined;
    const inverse = inverseOf(s);
    const point = publicMultiple(ProjectivePoint.BASE, (z * inverse) % curveOrder).add(
      publicMultiple(account, (r * inverse) % curveOrder),
    );
    if (point.equals(ProjectivePoint.ZERO)) return undefined;
    const { x, y } = point.toAffine();
    return x === r ? (Number(y & 1n) as Parity) : undefined;
  };
}
