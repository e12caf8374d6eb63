import { isScalar } from "yaml";
import { parseAmount } from "../protocol/amounts.ts";
import { type SourceAddress, toAddress, type Wei } from "../protocol/brand.ts";
import { didYouMean } from "./didYouMean.ts";
import { parseDuration } from "./durations.ts";
import type { PolicyMode } from "./policyPort.ts";
import {
  apiVersion,
  type Located,
  laterStrategies,
  type PolicySpec,
  policyCeilings,
  policyDefaults,
  type ScalarText,
} from "./policySpec.ts";
import type { Report } from "./problems.ts";
import { scalarOffsets } from "./scalarOffsets.ts";
import { parseSize } from "./sizes.ts";
import { type Entries, offsetOf, readMap, readText, readTexts, type YamlNode } from "./yamlReader.ts";

/**
 * Reads one YAML document as a policy.
 *
 * @param text The whole file, for positions inside scalars.
 * @returns `undefined` where anything was reported that leaves no policy to speak of.
 */
export function parseDocument(node: YamlNode, text: string, report: Report): PolicySpec | undefined {
  const policy = readMap(node, "policy", report);
  if (!policy) return undefined;
  const version = required(policy, "apiVersion", `write apiVersion: ${apiVersion}`, report);
  if (version !== undefined) readOneOf(version, "apiVersion", [apiVersion], report);
  const name = readName(required(policy, "name", "give the policy a name", report), report);
  const eligible = readExpression(
    required(policy, "eligible", "write which response may be paid", report),
    text,
    report,
  );
  readStrategy(required(policy, "strategy", "write strategy: first", report), report);
  const onError = policy.get("onError");
  if (onError) readOneOf(onError, "onError", ["hold"], report);
  const mode = policy.get("mode");
  const match = optionalMap(policy, "match", report);
  const output = optionalMap(policy, "output", report);
  const caps = optionalMap(policy, "caps", report);
  const retries = policy.get("retries");
  const fields = {
    mode: (mode && (readOneOf(mode, "mode", ["shadow", "enforce"], report) as PolicyMode)) || policyDefaults.mode,
    sources: readSources(match?.get("sources"), report),
    functions: readFunctions(match?.get("functions"), report),
    schema: readLocated(output?.get("schema"), "output.schema", report),
    maxBytes: readMaxBytes(output?.get("maxBytes"), report),
    timeoutMs: readTimeout(output?.get("timeout"), report),
    perTask: readAmount(caps?.get("perTask"), "caps.perTask", report),
    retries: retries ? readRetries(retries, report) : policyDefaults.retries,
  };
  return name && eligible && { name, eligible, ...fields };
}

function required(entries: Entries, key: string, hint: string, report: Report): YamlNode {
  const node = entries.get(key);
  if (node === undefined) report(entries.offset, `${key} is missing`, hint);
  return node;
}

function optionalMap(policy: Entries, key: "match" | "output" | "caps", report: Report): Entries | undefined {
  const node = policy.get(key);
  return node ? readMap(node, key, report) : undefined;
}

function readOneOf(node: YamlNode, path: string, known: readonly string[], report: Report): string | undefined {
  const value = readText(node, path, report);
  if (value === undefined || known.includes(value)) return value;
  report(offsetOf(node), `${path} is "${value}"`, didYouMean(value, known));
  return undefined;
}

function readName(node: YamlNode, report: Report): Located<string> | undefined {
  const located = node ? readLocated(node, "name", report) : undefined;
  if (located && !/^[a-z0-9-]{1,63}$/.test(located.value)) {
    report(located.offset, `"${located.value}" is no policy name`, "a-z, 0-9 and -, at most 63 characters");
    return undefined;
  }
  return located;
}

function readLocated(node: YamlNode, path: string, report: Report): Located<string> | undefined {
  const value = node ? readText(node, path, report) : undefined;
  return value === undefined ? undefined : { value, offset: offsetOf(node) };
}

function readExpression(node: YamlNode, text: string, report: Report): ScalarText | undefined {
  const value = node ? readText(node, "eligible", report) : undefined;
  return value === undefined ? undefined : { value, offsetOf: scalarOffsets(text, offsetOf(node), value) };
}

function readStrategy(node: YamlNode, report: Report): void {
  const value = node ? readText(node, "strategy", report) : undefined;
  if (value === undefined || value === "first") return;
  if ((laterStrategies as readonly string[]).includes(value)) {
    report(offsetOf(node), `strategy ${value} is not supported yet`, "this version knows: first");
  } else report(offsetOf(node), `unknown strategy "${value}"`, didYouMean(value, ["first"]));
}

function readSources(node: YamlNode, report: Report): ReadonlySet<SourceAddress> | undefined {
  const items = node ? readTexts(node, "match.sources", report) : undefined;
  if (!items) return undefined;
  const sources = new Set<SourceAddress>();
  for (const item of items) {
    try {
      sources.add(toAddress<SourceAddress>(item.value));
    } catch {
      report(
        offsetOf(item),
        "not an address, or its checksum is wrong",
        "0x and 40 hex digits, as the explorer shows it",
      );
    }
  }
  return sources;
}

function readFunctions(node: YamlNode, report: Report): ReadonlySet<string> | undefined {
  const items = node ? readTexts(node, "match.functions", report) : undefined;
  return items && new Set(items.map((item) => item.value));
}

function readMaxBytes(node: YamlNode, report: Report): number {
  if (!node) return policyDefaults.maxBytes;
  const value = attempt(() => (isScalar(node) && typeof node.value === "string" ? parseSize(node.value) : undefined));
  const bytes = value ?? (isScalar(node) ? node.value : undefined);
  if (Number.isSafeInteger(bytes) && (bytes as number) > 0 && (bytes as number) <= policyCeilings.maxBytes) {
    return bytes as number;
  }
  report(offsetOf(node), "output.maxBytes is a size from 1 byte to 64MiB", "write 256KiB or 1MiB");
  return policyDefaults.maxBytes;
}

function readTimeout(node: YamlNode, report: Report): number {
  if (!node) return policyDefaults.timeoutMs;
  const value = attempt(() =>
    isScalar(node) && typeof node.value === "string" ? parseDuration(node.value) : undefined,
  );
  if (value !== undefined && value > 0 && value <= policyCeilings.timeoutMs) return value;
  report(offsetOf(node), "output.timeout is a duration from 1ms to 5m", "write 5s or 500ms");
  return policyDefaults.timeoutMs;
}

function readRetries(node: YamlNode, report: Report): number {
  const value = isScalar(node) ? node.value : undefined;
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= policyCeilings.retries) {
    return value as number;
  }
  report(offsetOf(node), `retries is a whole number from 0 to ${policyCeilings.retries}`);
  return policyDefaults.retries;
}

function readAmount(node: YamlNode, path: string, report: Report): Wei | undefined {
  if (!node) return undefined;
  const amount = attempt(() =>
    isScalar(node) && typeof node.value === "string" ? parseAmount(node.value) : undefined,
  );
  if (amount === undefined)
    report(offsetOf(node), `${path} is an amount with its unit`, 'write "0.05 OGPU", in quotes');
  return amount;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
