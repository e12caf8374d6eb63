import { isScalar } from "yaml";
import { parseDuration } from "../config/duration.ts";
import { parseAmount } from "../protocol/amounts.ts";
import { toAddress, type Wei } from "../protocol/brand.ts";
import { didYouMean } from "./didYouMean.ts";
import type { Located, ScalarText } from "./policySpec.ts";
import type { Report } from "./problems.ts";
import { scalarOffsets } from "./scalarOffsets.ts";
import { offsetOf, readText, readTexts, type YamlNode } from "./yamlReader.ts";

/** One of a few words; `fallback` where it is left out or wrong. */
export function readOneOf<const Word extends string>(
  node: YamlNode,
  path: string,
  known: readonly Word[],
  fallback: Word,
  report: Report,
): Word {
  const value = node ? readText(node, path, report) : undefined;
  if (value === undefined) return fallback;
  const word = known.find((each) => each === value);
  if (word === undefined) report(offsetOf(node), `${path} is "${value}"`, didYouMean(value, known));
  return word ?? fallback;
}

export function readLocated(node: YamlNode, path: string, report: Report): Located<string> | undefined {
  const value = node ? readText(node, path, report) : undefined;
  return value === undefined ? undefined : { value, offset: offsetOf(node) };
}

/** An expression, with the place of each of its characters. */
export function readExpression(node: YamlNode, path: string, text: string, report: Report): ScalarText | undefined {
  const value = node ? readText(node, path, report) : undefined;
  return value === undefined ? undefined : { value, offsetOf: scalarOffsets(text, offsetOf(node), value) };
}

/** A whole number within bounds, both included. */
export function readWhole(
  node: YamlNode,
  path: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
  report: Report,
): number {
  if (!node) return fallback;
  const value = isScalar(node) ? node.value : undefined;
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  report(offsetOf(node), `${path} is a whole number from ${min} to ${max}`);
  return fallback;
}

/** A duration in milliseconds, above zero and at most `max`. */
export function readDuration(
  node: YamlNode,
  path: string,
  { max, upTo, fallback }: { readonly max: number; readonly upTo: string; readonly fallback: number },
  report: Report,
): number {
  if (!node) return fallback;
  const value = attempt(() =>
    isScalar(node) && typeof node.value === "string" ? parseDuration(node.value) : undefined,
  );
  if (value !== undefined && value > 0 && value <= max) return value;
  report(
    offsetOf(node),
    `${path} is a duration from 1ms to ${upTo}`,
    "write a number with its unit: 500ms, 5s, 2m, 1h or 1d",
  );
  return fallback;
}

/** An amount with its unit, wei. */
export function readAmount(node: YamlNode, path: string, report: Report): Wei | undefined {
  if (!node) return undefined;
  const amount = attempt(() =>
    isScalar(node) && typeof node.value === "string" ? parseAmount(node.value) : undefined,
  );
  if (amount === undefined)
    report(offsetOf(node), `${path} is an amount with its unit`, 'write "0.05 OGPU", in quotes');
  return amount;
}

/** A list of addresses. */
export function readAddresses<T extends Parameters<typeof toAddress>[0] & `0x${string}`>(
  node: YamlNode,
  path: string,
  report: Report,
): ReadonlySet<T> | undefined {
  const items = node ? readTexts(node, path, report) : undefined;
  if (!items) return undefined;
  const addresses = new Set<T>();
  for (const item of items) {
    const address = attempt(() => toAddress(item.value) as unknown as T);
    if (address !== undefined) addresses.add(address);
    else {
      const hint = "0x and 40 hex digits, as the explorer shows it";
      report(offsetOf(item), "not an address, or its checksum is wrong", hint);
    }
  }
  return addresses;
}

/** What `read` answers, or `undefined` where it throws. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
