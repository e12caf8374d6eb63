/** The lowest bit of the y coordinate of a signature's point: what recovering the key needs besides r and s. */
export type Parity = 0 | 1;

export type Signature = { readonly r: bigint; readonly s: bigint; readonly yParity: Parity };

/** r and s, perhaps with a parity that is only a hint. */
export type BareSignature = Pick<Signature, "r" | "s"> & Partial<Signature>;

/**
 * Says whether a signature of a 32-byte digest is by one certain account: the parity that recovers it, or `undefined` if
 * it is somebody else's, or one that the chain refuses (high s, EIP-2).
 */
export type SignatureCheck = (
  digest: Uint8Array,
  signature: BareSignature,
) => Parity | undefined | Promise<Parity | undefined>;

/** The number of points on secp256k1. */
export const curveOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** The other of the two signatures that mean the same; the chain takes only this one (EIP-2). */
export const lowS = (s: bigint): bigint => (s > curveOrder >> 1n ? curveOrder - s : s);

/** Whether r and s are in range, with a low s. */
export const isCanonical = ({ r, s }: BareSignature): boolean =>
  r > 0n && r < curveOrder && s > 0n && s <= curveOrder >> 1n;

/** What a check has said of one signature of one digest; of any other it knows nothing. */
export const knownCheck =
  (digest: Uint8Array, { r, s }: BareSignature, parity: Parity | undefined): SignatureCheck =>
  (asked, signature) =>
    Buffer.compare(asked, digest) === 0 && signature.r === r && signature.s === s ? parity : undefined;

/** Modulo the curve's order, by Euclid; not 0. Of public values only: it does not take the same time for all. */
export function inverseOf(value: bigint): bigint {
  let [a, b, x, y] = [value, curveOrder, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b, x, y] = [b % a, a, y - quotient * x, x];
  }
  return ((x % curveOrder) + curveOrder) % curveOrder;
}

/** The same of many, for little more than the price of one: the product of all is inverted, and taken apart again. */
export function inversesOf(values: readonly bigint[]): readonly bigint[] {
  const before: bigint[] = [];
  let product = 1n;
  for (const value of values) {
    before.push(product);
    product = (product * value) % curveOrder;
  }
  let rest = inverseOf(product);
  const inverses: bigint[] = [];
  for (let index = values.length - 1; index >= 0; index--) {
    inverses[index] = (rest * (before[index] as bigint)) % curveOrder;
    rest = (rest * (values[index] as bigint)) % curveOrder;
  }
  return inverses;
}
