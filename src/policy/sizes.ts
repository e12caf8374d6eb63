const factors = { B: 1, KiB: 1024, MiB: 1024 * 1024 } as const;
const pattern = /^(\d{1,9})\s*(B|KiB|MiB)$/;

/**
 * Reads a size such as `"256KiB"` or `"1MiB"`, in bytes.
 *
 * @throws TypeError if it is no whole number with one of those units.
 */
export function parseSize(text: string): number {
  const match = pattern.exec(text.trim());
  if (!match) throw new TypeError(`not a size: "${text}"`);
  return Number(match[1]) * factors[match[2] as keyof typeof factors];
}
