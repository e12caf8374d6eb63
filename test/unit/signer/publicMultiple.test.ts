import { secp256k1 } from "@noble/curves/secp256k1";
import fc from "fast-check";
import { expect, it } from "vitest";
import { publicMultiple } from "../../../src/signer/publicMultiple.ts";
import { curveOrder } from "../../../src/signer/signature.ts";

const { ProjectivePoint, utils } = secp256k1;
const account = ProjectivePoint.fromHex(secp256k1.getPublicKey(new Uint8Array(32).fill(9), false));
utils.precompute(7, account);
const half = 1n << 128n;
/** λ, whose halves are 0 and 1, stands at the edges as well. */
const lambda = 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n;
const scalar = fc.oneof(
  fc.bigInt(1n, curveOrder - 1n),
  fc.bigInt(1n, half),
  fc.constantFrom(1n, 2n, half - 1n, half, half + 1n, curveOrder >> 1n, curveOrder - 1n),
  fc.constantFrom(lambda - 1n, lambda, lambda + 1n, curveOrder - lambda),
);

it.each([
  ["the generator", ProjectivePoint.BASE],
  ["an account with a table", account],
  ["a point without one", account.double()],
])("comes to what the slow way comes to: %s", (_, point) => {
  const property = fc.property(scalar, (number) => {
    expect(publicMultiple(point, number).equals(point.multiply(number))).toBe(true);
  });
  fc.assert(property, { numRuns: 150 });
});

it("of zero times is the point that is none", () => {
  expect(publicMultiple(account, 0n).equals(ProjectivePoint.ZERO)).toBe(true);
});
