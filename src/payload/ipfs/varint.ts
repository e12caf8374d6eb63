/**
 * Reads an unsigned LEB128 integer.
 *
 * @returns the integer and the offset behind it; `undefined` where it does not end, or is no safe integer.
 */
export function readVarint(bytes: Uint8Array, start: number): readonly [value: number, end: number] | undefined {
  let value = 0;
  for (let at = start, factor = 1; at < bytes.length; at++, factor *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * factor;
    if (!Number.isSafeInteger(value) || at - start > 8) return undefined;
    if (byte < 0x80) return [value, at + 1];
  }
  return undefined;
}

export function writeVarint(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}
