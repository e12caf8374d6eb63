import { isScalar } from "yaml";
import { parseSize } from "../config/size.ts";
import { didYouMean } from "./didYouMean.ts";
import { parseMatch } from "./parseMatch.ts";
import { parsePlugin, parseSignals } from "./parseSignals.ts";
import { parseStrategy } from "./parseStrategy.ts";
import type { PolicyCaps } from "./policyPort.ts";
import { apiVersion, type Located, type PolicySpec, policyCeilings, policyDefaults } from "./policySpec.ts";
import type { Report } from "./problems.ts";
import { readAmount, readDuration, readExpression, readLocated, readOneOf, readWhole } from "./readers.ts";
import { type Entries, offsetOf, optionalMap, readMap, required, type YamlNode } from "./yamlReader.ts";

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
  if (version) readOneOf(version, "apiVersion", [apiVersion], apiVersion, report);
  const name = readName(required(policy, "name", "give the policy a name", report), report);
  const strategy = parseStrategy(policy, text, report);
  const plugin = parsePlugin(policy, report);
  const eligibleNode = policy.get("eligible");
  if (!eligibleNode && !plugin && strategy.name !== "manual") {
    required(policy, "eligible", "write which response may be paid", report);
    return undefined;
  }
  const eligible = readExpression(eligibleNode, "eligible", text, report);
  if (eligibleNode && eligible === undefined) return undefined;
  const output = optionalMap(policy, "output", "output", report);
  const caps = optionalMap(policy, "caps", "caps", report);
  readOneOf(policy.get("onError"), "onError", ["hold"], "hold", report);
  const { retries, order, budgetMs } = policyDefaults;
  const timeout = { max: policyCeilings.timeoutMs, upTo: "5m", fallback: policyDefaults.timeoutMs };
  const fields = {
    mode: readOneOf(policy.get("mode"), "mode", ["shadow", "enforce"], policyDefaults.mode, report),
    order: readWhole(policy.get("order"), "order", { min: 0, max: policyCeilings.order, fallback: order }, report),
    match: parseMatch(optionalMap(policy, "match", "match", report), report),
    schema: readLocated(output?.get("schema"), "output.schema", report),
    maxBytes: readMaxBytes(output?.get("maxBytes"), report),
    timeoutMs: readDuration(output?.get("timeout"), "output.timeout", timeout, report),
    requireCid: readRequire(output, report),
    caps: readCaps(caps, report),
    retries: readWhole(
      policy.get("retries"),
      "retries",
      { min: 0, max: policyCeilings.retries, fallback: retries },
      report,
    ),
    strategy,
    eligible,
    plugin,
    signals: parseSignals(policy.get("signals"), report),
    budgetMs: readDuration(
      policy.get("budget"),
      "budget",
      { max: policyCeilings.budgetMs, upTo: "1s", fallback: budgetMs },
      report,
    ),
    tests: readLocated(policy.get("tests"), "tests", report),
  };
  return name && { name, ...fields };
}

function readName(node: YamlNode, report: Report): Located<string> | undefined {
  const located = node ? readLocated(node, "name", report) : undefined;
  if (located && !/^[a-z0-9-]{1,63}$/.test(located.value)) {
    report(located.offset, `"${located.value}" is no policy name`, "a-z, 0-9 and -, at most 63 characters");
    return undefined;
  }
  return located;
}

function readCaps(caps: Entries | undefined, report: Report): PolicyCaps {
  const read = (key: keyof PolicyCaps) => readAmount(caps?.get(key), `caps.${key}`, report);
  return {
    perTask: read("perTask"),
    perHour: read("perHour"),
    perDay: read("perDay"),
    perProviderHour: read("perProviderHour"),
  };
}

function readRequire(output: Entries | undefined, report: Report): boolean {
  const node = output?.get("require");
  if (!node) return false;
  const value = isScalar(node) ? node.value : undefined;
  if (value === "cid-verified") return true;
  report(offsetOf(node), `output.require is "${String(value)}"`, didYouMean(String(value), ["cid-verified"]));
  return false;
}

function readMaxBytes(node: YamlNode, report: Report): number {
  if (!node) return policyDefaults.maxBytes;
  const value = isScalar(node) ? node.value : undefined;
  const bytes = typeof value === "string" ? parseSize(value) : value;
  if (Number.isSafeInteger(bytes) && (bytes as number) > 0 && (bytes as number) <= policyCeilings.maxBytes) {
    return bytes as number;
  }
  report(offsetOf(node), "output.maxBytes is a size from 1 byte to 16MiB", "write 256KiB or 1MiB");
  return policyDefaults.maxBytes;
}
