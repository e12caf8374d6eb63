import type { Hex } from "../../src/protocol/brand.ts";

/** 32-byte words of the ABI, written by hand: the model answers tens of thousands of calls a run. */

/** Without `0x`. */
export const numberWord = (value: number | bigint): string => value.toString(16).padStart(64, "0");

/** Without `0x`. */
export const addressWord = (address: Hex): string => address.slice(2).padStart(64, "0");

/** The `index`-th word after a call's selector, without `0x`. */
export const argumentAt = (data: Hex, index: number): string => data.slice(10 + 64 * index, 74 + 64 * index);

export const addressAt = (data: Hex, index: number): Hex => `0x${argumentAt(data, index).slice(24)}`;

export const numberAt = (data: Hex, index: number): number => Number(`0x${argumentAt(data, index)}`);

/** `address[]` as a function's only result. */
export const addressesResult = (addresses: readonly Hex[]): Hex =>
  `0x${numberWord(32)}${numberWord(addresses.length)}${addresses.map(addressWord).join("")}`;

export const quantity = (value: number | bigint): Hex => `0x${value.toString(16)}`;

/** An address that says what it is of: `kind` is one byte. */
export const modelAddress = (kind: number, index: number): Hex =>
  `0x${kind.toString(16).padStart(2, "0")}${"5".repeat(30)}${index.toString(16).padStart(8, "0")}`;

/** A hash that says what it is of: `kind` is one byte. */
export const modelHash = (kind: number, index: number): Hex =>
  `0x${kind.toString(16).padStart(2, "0")}${"7".repeat(50)}${index.toString(16).padStart(12, "0")}`;
