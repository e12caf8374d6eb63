import type { Fees } from "../chain/chainPort.ts";

/** At least 12.5 % more, rounded up: what nodes ask of a replacement at the most. */
const bump = (value: bigint): bigint => (value * 1125n + 999n) / 1000n;

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** The most that a gas unit may cost under these fees, wei. */
export const feeCap = (fees: Fees): bigint => (fees.type === "legacy" ? fees.gasPrice : fees.maxFeePerGas);

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/**
 * Fees that replace `before`: bumped, and no less than what the chain asks now, as far as the ceiling (wei per gas) allows it: the
 * chain asks for twice the base fee, and less than that may be mined. Answers `undefined` where the bump itself would pass it.
 */
export function replacementFees(before: Fees, now: Fees, ceiling: bigint): Fees | undefined {
  const least = bump(feeCap(before));
  if (least > ceiling) return undefined;
  const most = min(max(least, feeCap(now)), ceiling);
  if (before.type === "legacy") return { type: "legacy", gasPrice: most };
  const tip = now.type === "eip1559" ? now.maxPriorityFeePerGas : 0n;
  // The bumped tip is no more than the bumped cap: it was no more before.
  const maxPriorityFeePerGas = max(bump(before.maxPriorityFeePerGas), min(tip, most));
  return { type: "eip1559", maxFeePerGas: most, maxPriorityFeePerGas };
}

/**
 * Fees that take the place of `before`: dearer ones where the ceiling (wei per gas) allows it, by no more than they must be where the
 * chain asks for more than that; else the very same: a node that does not hold the old bytes takes them. Answers `undefined` where
 * even those pass the ceiling.
 */
export function feesInPlaceOf(before: Fees, now: Fees, ceiling: bigint): Fees | undefined {
  const asked = feeCap(now) > ceiling ? before : now;
  return replacementFees(before, asked, ceiling) ?? (feeCap(before) > ceiling ? undefined : before);
}
