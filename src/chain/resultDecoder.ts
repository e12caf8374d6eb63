import type { Abi, AbiParameter } from "viem";
import { decodeFunctionResult, getAbiItem } from "viem/utils";
import type { Hex } from "../protocol/brand.ts";

/** What a function's answer says; one value, or several as an array; addresses in any case. @throws as viem does. */
export type DecodeResult = (data: Hex) => unknown;

/**
 * A decoder for the answers of one function. viem's reads types anew with each answer and hashes each address for its
 * checksum, which takes ten times as long where somebody waits to be paid. What is not written as every compiler writes it
 * (and what has types that this does not know) is left to viem, which says what is wrong with it.
 */
export function resultDecoder(abi: Abi, functionName: string): DecodeResult {
  const item = getAbiItem({ abi, name: functionName }) as { readonly outputs?: readonly AbiParameter[] } | undefined;
  const read = valuesReader(item?.outputs ?? []);
  return (data) => {
    const found = read !== undefined && evenHex.test(data) ? read(data, 2, 2) : odd;
    if (found !== odd) return found;
    return decodeFunctionResult({ abi, functionName, data } as Parameters<typeof decodeFunctionResult>[0]);
  };
}

const evenHex = /^0x(?:[0-9a-f]{2})+$/i;
/** Not as expected. */
const odd = Symbol("odd");
/** Of one 32-byte word, in hex digits. */
const wordLength = 64;
const text = new TextDecoder();

/** @param at Where its head stands. @param base What its offsets count from. Both in characters of the hex text. */
type ReadAt = (hex: string, at: number, base: number) => unknown;
type Part = {
  readonly read: ReadAt;
  readonly isDynamic: boolean;
  /** Hex digits of its head. */
  readonly width: number;
};

function valuesReader(outputs: readonly AbiParameter[]): ReadAt | undefined {
  const parts = outputs.map(partOf);
  if (parts.length === 0 || !parts.every((part) => part !== undefined)) return undefined;
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return only.read;
  return (hex, at, base) => readEach(parts, hex, at, base);
}

function partOf(parameter: AbiParameter): Part | undefined {
  const { type } = parameter;
  const word = wordReader(type);
  if (word !== undefined) return { read: word, isDynamic: false, width: wordLength };
  if (type === "string") return dynamic(readText);
  if (type.endsWith("[]")) {
    const element = wordReader(type.slice(0, -2));
    return element && dynamic((hex, at) => readWords(element, hex, at));
  }
  const { components } = parameter as { readonly components?: readonly AbiParameter[] };
  return type === "tuple" && components ? tuplePart(components) : undefined;
}

const dynamic = (read: (hex: string, at: number) => unknown): Part => ({
  isDynamic: true,
  width: wordLength,
  read: (hex, at, base) => {
    const offset = readSmall(hex, at);
    return typeof offset === "number" ? read(hex, base + 2 * offset) : odd;
  },
});

function tuplePart(components: readonly AbiParameter[]): Part | undefined {
  const parts = components.map(partOf);
  const names = components.flatMap(({ name }) => name || []);
  if (!parts.every((part) => part !== undefined) || names.length < parts.length || parts.length === 0) return undefined;
  const read = (hex: string, at: number) => {
    const values = readEach(parts, hex, at, at);
    return values === odd ? odd : Object.fromEntries(names.map((name, index) => [name, (values as unknown[])[index]]));
  };
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  return parts.some(({ isDynamic }) => isDynamic) ? dynamic(read) : { read, isDynamic: false, width };
}

function readEach(parts: readonly Part[], hex: string, at: number, base: number): unknown {
  const values: unknown[] = [];
  let head = at;
  for (const { read, width } of parts) {
    const value = read(hex, head, base);
    if (value === odd) return odd;
    values.push(value);
    head += width;
  }
  return values;
}

/** A type that takes one word; `undefined`: it does not, or is not known here. */
function wordReader(type: string): ReadAt | undefined {
  if (type === "address") return readAddress;
  if (type === "bool") return readBool;
  const bits = /^uint(\d+)$/.exec(type)?.[1];
  if (bits === undefined) return undefined;
  return Number(bits) > 48 ? readLarge : readSmall;
}

const hasWord = (hex: string, at: number): boolean => at + wordLength <= hex.length;
/** Thirteen digits are always a safe integer. */
const smallDigits = 13;
const zeros = "0".repeat(wordLength - smallDigits);

const readSmall = (hex: string, at: number): number | typeof odd =>
  hasWord(hex, at) && hex.startsWith(zeros, at)
    ? Number.parseInt(hex.slice(at + zeros.length, at + wordLength), 16)
    : odd;

const readLarge: ReadAt = (hex, at) => (hasWord(hex, at) ? BigInt(`0x${hex.slice(at, at + wordLength)}`) : odd);

const readAddress: ReadAt = (hex, at) =>
  hasWord(hex, at) ? `0x${hex.slice(at + 24, at + wordLength).toLowerCase()}` : odd;

const readBool: ReadAt = (hex, at) => {
  const value = readSmall(hex, at);
  return value === 0 ? false : value === 1 ? true : odd;
};

function readText(hex: string, at: number): unknown {
  const length = readSmall(hex, at);
  const from = at + wordLength;
  if (typeof length !== "number" || from + 2 * length > hex.length) return odd;
  return text.decode(Buffer.from(hex.slice(from, from + 2 * length), "hex"));
}

function readWords(read: ReadAt, hex: string, at: number): unknown {
  const length = readSmall(hex, at);
  const from = at + wordLength;
  if (typeof length !== "number" || from + length * wordLength > hex.length) return odd;
  const values = Array.from({ length }, (_, index) => read(hex, from + index * wordLength, from));
  return values.includes(odd) ? odd : values;
}
