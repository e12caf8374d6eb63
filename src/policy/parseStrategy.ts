import type { StrategyName } from "./policyPort.ts";
import {
  policyCeilings,
  policyDefaults,
  type QuorumSpec,
  type StrategySpec,
  strategyNames,
  type WindowSpec,
} from "./policySpec.ts";
import type { Report } from "./problems.ts";
import { readDuration, readExpression, readOneOf, readWhole } from "./readers.ts";
import { type Entries, offsetOf, optionalMap, required } from "./yamlReader.ts";

const month = { max: policyCeilings.windowSeconds * 1_000, upTo: "30d" };

/** Reads `strategy` and the keys that go with it. Keys of another strategy are reported: they would do nothing. */
export function parseStrategy(policy: Entries, text: string, report: Report): StrategySpec {
  const node = required(policy, "strategy", "write strategy: first", report);
  const name = readOneOf(node, "strategy", strategyNames, "first", report);
  forbid(policy, "score", name, ["best"], report);
  forbid(policy, "quorum", name, ["quorum"], report);
  forbid(policy, "window", name, ["best", "cheapest", "quorum", "manual"], report);
  forbid(policy, "ties", name, ["best", "cheapest"], report);
  const score = readExpression(policy.get("score"), "score", text, report);
  if (name === "best" && score === undefined && !policy.get("score") && !policy.get("plugin")) {
    report(policy.offset, "score is missing", "write what makes one response better than another");
  }
  return {
    name,
    score,
    quorum: name === "quorum" ? readQuorum(policy, text, report) : undefined,
    window: readWindow(policy, name, text, report),
    ties: readOneOf(policy.get("ties"), "ties", ["earliest", "cheapest", "hold"], "earliest", report),
  };
}

function forbid(
  policy: Entries,
  key: string,
  name: StrategyName,
  needs: readonly StrategyName[],
  report: Report,
): void {
  const node = policy.get(key);
  if (!node || needs.includes(name)) return;
  report(offsetOf(node), `${key} means nothing with strategy ${name}`, `it is for ${needs.join(", ")}`);
}

function readQuorum(policy: Entries, text: string, report: Report): QuorumSpec | undefined {
  const given = required(policy, "quorum", "write quorum: { count: 3, key: output.json.label }", report);
  const entries = given ? optionalMap(policy, "quorum", "quorum", report) : undefined;
  if (!entries) return undefined;
  const count = required(entries, "count", "write how many have to agree", report);
  const key = entries.get("key");
  if (!key && !policy.get("plugin")) required(entries, "key", "write what equal answers have in common", report);
  const within = entries.get("within");
  return {
    count: readWhole(count, "quorum.count", { min: 2, max: policyCeilings.quorum, fallback: 2 }, report),
    key: readExpression(key, "quorum.key", text, report),
    pick: readOneOf(entries.get("pick"), "quorum.pick", ["cheapest", "first"], "first", report),
    without: readOneOf(entries.get("without"), "quorum.without", ["hold", "cheapest", "first"], "hold", report),
    withinSeconds: within
      ? Math.ceil(readDuration(within, "quorum.within", { ...month, fallback: 1_000 }, report) / 1_000)
      : undefined,
    decide: readOneOf(entries.get("decide"), "quorum.decide", ["reached", "closed"], "reached", report),
  };
}

function readWindow(policy: Entries, name: StrategyName, text: string, report: Report): WindowSpec | undefined {
  const entries = optionalMap(policy, "window", "window", report);
  if (!entries && (name === "first" || name === "manual")) return undefined;
  const span = entries?.get("for");
  const fallback = policyDefaults.windowSeconds * 1_000;
  return {
    from: readOneOf(entries?.get("from"), "window.from", ["firstEligible", "published"], "firstEligible", report),
    seconds: Math.ceil(readDuration(span, "window.for", { ...month, fallback }, report) / 1_000),
    latest: readExpression(entries?.get("latest"), "window.latest", text, report) ?? {
      value: policyDefaults.latest,
      offsetOf: () => entries?.offset ?? policy.offset,
    },
  };
}
