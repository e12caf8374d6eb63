import { format, from } from "ox/Value";
import { type Wei, wei } from "./brand.ts";

const decimals = { ogpu: 18, gwei: 9, wei: 0 } as const;
const pattern = /^(\d+)(?:\.(\d+))?\s*(ogpu|gwei|wei)$/i;

/**
 * Reads an amount with its unit, such as `"0.05 OGPU"`, `"30 gwei"` or `"1 wei"`.
 *
 * @throws TypeError if the unit is missing, the number is negative, or it has more digits than the unit holds.
 * @example parseAmount("0.05 OGPU") // 50000000000000000n
 */
export function parseAmount(text: string): Wei {
  const match = pattern.exec(String(text).trim());
  if (!match) throw new TypeError(`not an amount: "${text}" (write a quoted number with a unit, like "0.05 OGPU")`);
  const [, whole = "0", fraction = "", unit = "wei"] = match;
  const digits = decimals[unit.toLowerCase() as keyof typeof decimals];
  if (fraction.length > digits) throw new TypeError(`"${text}" is finer than one wei`);
  return wei(from(fraction ? `${whole}.${fraction}` : whole, digits));
}

/** Wei as a number of OGPU, for charts and metrics: not exact. */
export const ogpuNumber = (amount: bigint): number => Number(format(amount, 18));

/** Shows wei as OGPU, exactly, e.g. `0.05 OGPU`. */
export const formatOgpu = (amount: bigint): string => `${format(amount, 18)} OGPU`;
