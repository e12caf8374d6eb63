const base32 = "abcdefghijklmnopqrstuvwxyz234567";
const base36 = "0123456789abcdefghijklmnopqrstuvwxyz";
const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/**
 * Reads a text in the bases that CIDs are written in: base32, base36, base58 and base16, told by the first letter.
 *
 * @returns `undefined` where it is none of them.
 */
export function decodeMultibase(text: string): Uint8Array | undefined {
  const [prefix, rest] = [text.slice(0, 1), text.slice(1)];
  switch (prefix) {
    case "b":
      return decodeBase32(rest);
    case "B":
      return decodeBase32(rest.toLowerCase());
    case "k":
      return decodeInteger(rest, base36);
    case "K":
      return decodeInteger(rest.toLowerCase(), base36);
    case "z":
      return decodeBase58(rest);
    case "f":
    case "F":
      return /^([0-9a-f]{2})*$/i.test(rest) ? Uint8Array.from(Buffer.from(rest, "hex")) : undefined;
    default:
      return undefined;
  }
}

export const decodeBase58 = (text: string): Uint8Array | undefined => decodeInteger(text, base58);

/** RFC 4648, lower case, without padding. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += base32.charAt((buffer >> (bits - 5)) & 31);
  }
  return bits === 0 ? text : text + base32.charAt((buffer << (5 - bits)) & 31);
}

/** What is left over of the last letter is dropped. */
function decodeBase32(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const char of text) {
    const digit = base32.indexOf(char);
    if (digit < 0) return undefined;
    buffer = ((buffer << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((buffer >> bits) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}

/** Bases that are no power of two write one large integer; each leading zero digit is a zero byte. */
function decodeInteger(text: string, alphabet: string): Uint8Array | undefined {
  let integer = 0n;
  for (const char of text) {
    const digit = alphabet.indexOf(char);
    if (digit < 0) return undefined;
    integer = integer * BigInt(alphabet.length) + BigInt(digit);
  }
  const zeros = [...text].findIndex((char) => char !== alphabet.charAt(0));
  const hex = integer === 0n ? "" : integer.toString(16);
  const digits = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  return Uint8Array.from([...new Uint8Array(zeros < 0 ? text.length : zeros), ...digits]);
}
