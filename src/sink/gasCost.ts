import type { Receipt } from "../chain/chainPort.ts";
import type { Attempt } from "../journal/journal.ts";
import { feeCap } from "./fees.ts";
import { readAttempt } from "./replace.ts";

/**
 * What a mined transaction cost in gas, wei. Where its receipt does not tell the price it counts at its own fee cap: exact
 * without EIP-1559, and else the most that it can have cost. A ceiling on gas must never take it for free.
 *
 * @param attempt The one that was mined; `undefined`: it is not known, nor is its cap.
 */
export const gasCost = (
  attempt: Pick<Attempt, "raw"> | undefined,
  { gasUsed, gasPrice }: Pick<Receipt, "gasUsed" | "gasPrice">,
): bigint => gasUsed * (gasPrice ?? (attempt ? feeCap(readAttempt(attempt).fees) : 0n));
