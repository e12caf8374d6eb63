const milliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const pattern = /^(\d{1,9})\s*(ms|s|m|h)$/;

/**
 * Reads a duration such as `"500ms"`, `"5s"`, `"2m"` or `"1h"`, in milliseconds.
 *
 * @throws TypeError if it is no whole number with one of those units.
 */
export function parseDuration(text: string): number {
  const match = pattern.exec(text.trim());
  if (!match) throw new TypeError(`not a duration: "${text}"`);
  return Number(match[1]) * milliseconds[match[2] as keyof typeof milliseconds];
}
