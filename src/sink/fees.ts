import type { Fees } from "../chain/chainPort.ts";

/** At least 12.5 % more, rounded up: what nodes ask of a replacement at the most. */
const bump = (value: bigint): bigint => (value * 1125n + 999n) / 1000n;

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** The most that a gas unit may cost under these fees, wei. */
export const feeCap = (fees: Fees): bigint => (fees.type === "legacy" ? fees.gasPrice : fees.maxFeePerGas);

/**
 * Fees that replace `before`: bumped, and no less than what the chain asks now.
 * Answers `undefined` where that would pass the ceiling (wei per gas).
 */
export function replacementFees(before: Fees, now: Fees, ceiling: bigint): Fees | undefined {
  const fees = raise(before, now);
  return feeCap(fees) > ceiling ? undefined : fees;
}

/**
 * The same for what waits to be mined: where the chain asks for more than the ceiling, that much is offered. The chain asks for
 * twice the base fee, and less than that may be mined. Answers `undefined` where the bump itself would pass the ceiling.
 */
export function raisedFees(before: Fees, now: Fees, ceiling: bigint): Fees | undefined {
  return replacementFees(before, atMost(ceiling, now), ceiling);
}

/**
 * Fees that take the place of `before`, whatever the chain asks now: dearer ones where the ceiling (wei per gas) allows it, else
 * the very same: a node that does not hold the old bytes takes them. Answers `undefined` where even those pass the ceiling.
 */
export function feesInPlaceOf(before: Fees, now: Fees, ceiling: bigint): Fees | undefined {
  const dearer = replacementFees(before, now, ceiling) ?? replacementFees(before, before, ceiling);
  return dearer ?? (feeCap(before) > ceiling ? undefined : before);
}

const atMost = (ceiling: bigint, fees: Fees): Fees =>
  fees.type === "legacy"
    ? { type: "legacy", gasPrice: min(ceiling, fees.gasPrice) }
    : {
        type: "eip1559",
        maxFeePerGas: min(ceiling, fees.maxFeePerGas),
        maxPriorityFeePerGas: min(ceiling, fees.maxPriorityFeePerGas),
      };

function raise(before: Fees, now: Fees): Fees {
  if (before.type === "legacy") return { type: "legacy", gasPrice: max(bump(before.gasPrice), feeCap(now)) };
  const asked = now.type === "eip1559" ? now : { maxFeePerGas: now.gasPrice, maxPriorityFeePerGas: 0n };
  return {
    type: "eip1559",
    maxFeePerGas: max(bump(before.maxFeePerGas), asked.maxFeePerGas),
    maxPriorityFeePerGas: max(bump(before.maxPriorityFeePerGas), asked.maxPriorityFeePerGas),
  };
}
