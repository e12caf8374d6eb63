const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const pattern = /^(\d+)(?:\.(\d+))?\s*(ms|s|m|h|d)$/;

/**
 * Reads a duration with its unit, such as `"500ms"`, `"10s"`, `"5m"`, `"2h"` or `"1d"`.
 *
 * @returns milliseconds.
 * @throws TypeError if the unit is missing, or it is finer than a millisecond.
 * @example parseDuration("10s") // 10000
 */
export function parseDuration(text: string): number {
  const match = pattern.exec(text.trim());
  if (!match) throw new TypeError(`not a duration: "${text}" (write a number with a unit, like "10s")`);
  const [, whole = "", fraction = "", unit] = match;
  // In integers: 1.1 * 3_600_000 is no whole number in floating point.
  const scaled = BigInt(whole + fraction) * BigInt(units[unit as keyof typeof units]);
  const scale = 10n ** BigInt(fraction.length);
  const milliseconds = Number(scaled / scale);
  if (scaled % scale !== 0n || !Number.isSafeInteger(milliseconds))
    throw new TypeError(`"${text}" is not a whole number of milliseconds`);
  return milliseconds;
}

/** Shows milliseconds in the largest unit that holds them exactly, e.g. `10s`. */
export function formatDuration(milliseconds: number): string {
  const names = Object.keys(units).reverse() as (keyof typeof units)[];
  const unit = names.find((name) => milliseconds >= units[name] && milliseconds % units[name] === 0) ?? "ms";
  return `${milliseconds / units[unit]}${unit}`;
}
