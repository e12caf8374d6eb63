const units = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const;
const pattern = /^(\d{1,9})\s*(B|KiB|MiB|GiB)$/;

/**
 * Reads a size with its unit, in bytes; `undefined` where it is none.
 *
 * @example parseSize("256MiB") // 268435456
 */
export function parseSize(text: string): number | undefined {
  const [, number, unit] = pattern.exec(text.trim()) ?? [];
  return number === undefined ? undefined : Number(number) * units[unit as keyof typeof units];
}

/** Shows bytes in the largest unit that holds them exactly, e.g. `256MiB`. */
export function formatSize(bytes: number): string {
  const names = Object.keys(units).reverse() as (keyof typeof units)[];
  const unit = names.find((name) => bytes >= units[name] && bytes % units[name] === 0) ?? "B";
  return `${bytes / units[unit]}${unit}`;
}
