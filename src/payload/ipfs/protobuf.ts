import { malformed } from "./malformed.ts";
import { readVarint, writeVarint } from "./varint.ts";

export type Field = { readonly number: number; readonly value: number | Uint8Array };

/**
 * Reads the fields of a protobuf message: integers and byte strings, which are all that IPFS uses. Without recursion;
 * byte strings are views of `bytes`.
 *
 * @throws PayloadError if it is no such message.
 */
export function* readFields(bytes: Uint8Array): Generator<Field> {
  const varint = (start: number) => {
    const read = readVarint(bytes, start);
    if (!read) throw malformed();
    return read;
  };
  for (let at = 0; at < bytes.length; ) {
    const [tag, afterTag] = varint(at);
    const [value, end] = varint(afterTag);
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value };
        at = end;
        break;
      case 2:
        if (value > bytes.length - end) throw malformed();
        yield { number, value: bytes.subarray(end, end + value) };
        at = end + value;
        break;
      default:
        throw malformed();
    }
  }
}

/** Writes fields in the order given. */
export function writeFields(fields: readonly Field[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap(({ number, value }) =>
      typeof value === "number"
        ? [Uint8Array.from([number * 8, ...writeVarint(value)])]
        : [Uint8Array.from([number * 8 + 2, ...writeVarint(value.length)]), value],
    ),
  );
}
