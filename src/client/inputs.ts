import { getAddress, isAddress, isHex } from "viem";
import { hideKeys } from "../config/format.ts";
import { parseAmount } from "../protocol/amounts.ts";
import { zeroAddress } from "../protocol/brand.ts";
import { InputError } from "./errors.ts";
import type { Address, Amount, TaskInfo } from "./types.ts";

/**
 * Reads an address that a person wrote, and answers it checksummed.
 * @param what The address's part, e.g. `the task`.
 * @throws InputError `ADDRESS_INVALID` if it is malformed, zero, or mixed-case with a wrong checksum.
 */
export function readAddress(what: string, text: string): Address {
  const bad = (problem: string, remedy: string) =>
    new InputError(`${what} ${quote(text)} ${problem}`, { code: "ADDRESS_INVALID", remedy });
  if (!isHex(text) || text.length !== 42)
    throw bad("is not an address", "an address is 0x and 40 hexadecimal digits; copy it whole from the explorer");
  const lowerCase = text.toLowerCase() as Address;
  if (lowerCase === zeroAddress) throw bad("is the zero address", "nobody holds it; give the address that you mean");
  const checksum = getAddress(lowerCase);
  if (!isAddress(text, { strict: true })) {
    const remedy = `its capitals would be ${checksum}: one of its characters was mistyped, so compare all of them with the source`;
    throw bad("has a wrong checksum", remedy);
  }
  return checksum;
}

const quote = (text: string): string => `"${hideKeys(String(text)).slice(0, 64)}"`;

/**
 * Reads an amount.
 * @returns wei.
 * @throws InputError `AMOUNT_INVALID` if it is negative, without a unit, or finer than a wei.
 */
export function readAmount(what: string, amount: Amount): bigint {
  const bad = (problem: string) =>
    new InputError(`${what}: ${problem}`, {
      code: "AMOUNT_INVALID",
      remedy: 'give wei as a bigint, or a text with its unit, such as "0.05 OGPU"',
    });
  if (typeof amount === "bigint") {
    if (amount < 0n) throw bad(`${amount} wei is less than nothing`);
    return amount;
  }
  try {
    return parseAmount(amount);
  } catch (error) {
    throw bad((error as Error).message);
  }
}

/** What documents are read from. */
export const isUrl = (text: unknown): text is string =>
  typeof text === "string" && /^(?:https?|ipfs):\/\/\S+$/.test(text);

/** What a task asks. @throws InputError `TASK_INFO_INVALID` if no provider could read it: its payment would be frozen all the same. */
export function readTaskConfig(config: TaskInfo["config"]): TaskInfo["config"] {
  if (typeof config === "string" ? isUrl(config) || isJsonObject(config) : isInput(config)) return config;
  throw new InputError("the task's config is neither its input, nor a URL, nor JSON", {
    code: "TASK_INFO_INVALID",
    remedy: "give { function_name, data }, or the URL of such JSON (https or ipfs), or the JSON itself",
  });
}

const isInput = (config: unknown): boolean => {
  const { function_name: name } = Object(config) as { readonly function_name?: unknown };
  return typeof name === "string" && name !== "";
};

function isJsonObject(text: string): boolean {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null && !Array.isArray(json);
  } catch {
    return false;
  }
}

/** Whole seconds since 1970. @throws InputError `TIME_INVALID`. */
export function readTime(what: string, time: number | Date): number {
  const seconds = time instanceof Date ? Math.floor(time.getTime() / 1_000) : time;
  if (Number.isSafeInteger(seconds) && seconds > 0 && seconds < 1e11) return seconds;
  throw new InputError(`${what} ${String(time)} is no time in unix seconds`, {
    code: "TIME_INVALID",
    remedy: "give whole seconds since 1970 as a number (milliseconds divided by 1000), or a Date",
  });
}
