import type { AccountAddress } from "../protocol/brand.ts";
import { addressOf } from "./addressOf.ts";
import type { Curve, CurveCheck } from "./curve.ts";
import { isCanonical } from "./signature.ts";

/**
 * Checks the signatures of an account of which only the address is known. The first one that is the account's gives its
 * public key; the ones after it are checked against that, which is cheaper.
 */
export function accountCheck(curve: Curve, address: AccountAddress): CurveCheck {
  let check: CurveCheck | undefined;
  return (digest, signature) => {
    if (check) return check(digest, signature);
    if (!isCanonical(signature)) return undefined;
    for (const yParity of [0, 1] as const) {
      const publicKey = curve.recover(digest, { ...signature, yParity });
      if (publicKey === undefined || addressOf(publicKey) !== address) continue;
      check = curve.checkFor(publicKey);
      return yParity;
    }
    return undefined;
  };
}
