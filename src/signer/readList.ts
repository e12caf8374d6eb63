/** An item of an RLP list: the hex digits of its bytes, or of what a list within it holds. */
export type Item = { readonly isList: boolean; readonly hex: string };

/**
 * Reads the items of an RLP list as a node does: every length in its shortest form, and nothing after the end.
 * @param hex Without `0x`. @throws RangeError if it is no such list.
 */
export function readList(hex: string): readonly Item[] {
  const whole = itemAt(hex, 0);
  if (!whole.isList || whole.end !== hex.length) throw new RangeError("not one list");
  const items: Item[] = [];
  let at = whole.begin;
  while (at < whole.end) {
    const { isList, begin, end } = itemAt(hex, at);
    items.push({ isList, hex: hex.slice(begin, end) });
    at = end;
  }
  if (at !== whole.end) throw new RangeError("an item longer than its list");
  return items;
}

/** Where an item's content begins and ends, in digits. */
type Place = { readonly isList: boolean; readonly begin: number; readonly end: number };

function itemAt(hex: string, at: number): Place {
  const first = numberAt(hex, at, 1);
  if (first < 0x80) return { isList: false, begin: at, end: at + 2 };
  const isList = first >= 0xc0;
  const short = first - (isList ? 0xc0 : 0x80);
  const sizeOfLength = Math.max(0, short - 55);
  const begin = at + 2 + 2 * sizeOfLength;
  const length = sizeOfLength === 0 ? short : numberAt(hex, at + 2, sizeOfLength);
  const end = begin + 2 * length;
  const isShortest =
    sizeOfLength === 0
      ? isList || length !== 1 || numberAt(hex, begin, 1) >= 0x80
      : length > 55 && numberAt(hex, at + 2, 1) > 0;
  if (!isShortest || end > hex.length) throw new RangeError("a length that is not what it should be");
  return { isList, begin, end };
}

/** @param bytes At most 4: no transaction is longer. */
function numberAt(hex: string, at: number, bytes: number): number {
  const digits = hex.slice(at, at + 2 * bytes);
  if (bytes > 4 || digits.length !== 2 * bytes || !/^[0-9a-f]+$/.test(digits)) throw new RangeError("not bytes");
  return Number.parseInt(digits, 16);
}
