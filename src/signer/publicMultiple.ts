import { secp256k1 } from "@noble/curves/secp256k1";

type CurvePoint = typeof secp256k1.ProjectivePoint.BASE;

/**
 * A multiple of a point that has a table, by a number that anybody may know, in half the time of `multiply`, which hides the
 * number by work that comes to nothing.
 *
 * The number is taken in halves, of which the second counts multiples of λ·(x, y) = (β·x, y): the table serves no longer
 * ones, for which `multiplyUnsafe` answers wrongly.
 *
 * @param scalar At least 0, and below the curve's order.
 */
export function publicMultiple(point: CurvePoint, scalar: bigint): CurvePoint {
  const { endo, Fp } = secp256k1.CURVE;
  if (endo === undefined) return point.multiply(scalar);
  const { k1, k1neg, k2, k2neg } = endo.splitScalar(scalar);
  const [first, second] = [point.multiplyUnsafe(k1), point.multiplyUnsafe(k2)];
  const { px, py, pz } = k2neg ? second.negate() : second;
  return (k1neg ? first.negate() : first).add(new secp256k1.ProjectivePoint(Fp.mul(px, endo.beta), py, pz));
}
