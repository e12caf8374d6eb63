import type { Hex } from "../protocol/brand.ts";

/** What a response's contract says of it. */
export type ResponseParams = {
  readonly task: string;
  readonly provider: string;
  readonly data: string;
  readonly payment: bigint;
};

const digits = 64;
const wordAt = (answer: Hex, index: number): string => answer.slice(2 + digits * index, 2 + digits * (index + 1));
const isPlain = (word: string, value: number): boolean => word === value.toString(16).padStart(digits, "0");

/**
 * Reads the answer to `getResponseParams` where its parts lie: whoever pays waits for it, and a general decoder takes the hash
 * of each address for its checksum. `undefined` where it is not laid out as compilers do it: a general decoder reads it then.
 */
export function decodeResponseParams(answer: Hex): ResponseParams | undefined {
  const isUsual = isPlain(wordAt(answer, 0), 32) && isPlain(wordAt(answer, 3), 4 * 32);
  const length = Number.parseInt(wordAt(answer, 5), 16);
  const start = 2 + digits * 6;
  const end = start + 2 * length;
  // General decoders differ in what they do with zeros at a text's beginning.
  if (!isUsual || !(end <= answer.length) || (length > 0 && answer.startsWith("00", start))) return undefined;
  const data = Buffer.from(answer.slice(start, end), "hex");
  if (data.length !== length) return undefined;
  return {
    task: `0x${wordAt(answer, 1).slice(24)}`,
    provider: `0x${wordAt(answer, 2).slice(24)}`,
    data: new TextDecoder().decode(data),
    payment: BigInt(`0x${wordAt(answer, 4)}`),
  };
}

/** Reads the answer to a call that gives one byte; `undefined` where it is none. */
export function decodeByte(answer: Hex): number | undefined {
  if (answer.length !== 2 + digits) return undefined;
  const value = Number.parseInt(answer.slice(-2), 16);
  return isPlain(answer.slice(2), value) ? value : undefined;
}
