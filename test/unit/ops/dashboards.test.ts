import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { metricPrefix, metricTable } from "../../../src/ops/metrics/metricTable.ts";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

type Panel = { readonly title: string; readonly targets?: readonly { readonly expr: string }[] };
type Rule = {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
};
const dashboard = JSON.parse(read("dashboards/ogpu-confirmd.json")) as {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
};
const rulesFile = "dashboards/alerts.yaml";
const rules = (parse(read(rulesFile)) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules: each }) => each);
const documented = new Map(
  [...read("docs/metrics.md").matchAll(/^\| `([a-z0-9_]+)` \| (\w+) \| (.*?) \|/gm)].map(
    ([, name = "", type = "", labels = ""]) => [
      name,
      { type, labels: new Set([...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label ?? "")) },
    ],
  ),
);

/** Grafana puts durations in the place of these. */
const filled = (expr: string) => expr.replaceAll("$__rate_interval", "5m").replaceAll("$__range", "6h");

const expressions: readonly (readonly [string, string])[] = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, filled(expr)] as const)),
  ...dashboard.annotations.list.map(({ expr }) => ["annotation", filled(expr)] as const),
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
];

/** The nodes of an expression's tree: their names and the text that they stand for. */
function nodesOf(expr: string): readonly { readonly name: string; readonly isError: boolean; readonly text: string }[] {
  const nodes: { name: string; isError: boolean; text: string }[] = [];
  parser.parse(expr).iterate({
    enter: ({ name, type, from, to }) => {
      nodes.push({ name, isError: type.isError, text: expr.slice(from, to) });
    },
  });
  return nodes;
}

/** Histograms are read by their parts. */
const baseOf = (name: string): string => {
  const base = name.replace(/_(bucket|sum|count)$/, "");
  return documented.get(base)?.type === "histogram" ? base : name;
};
const metricsIn = (expr: string): readonly string[] =>
  nodesOf(expr)
    .filter(({ name, text }) => name === "Identifier" && text !== "up")
    .map(({ text }) => baseOf(text));

describe("the dashboard and the alert rules", () => {
  it.each(expressions)("parse: %s", (_, expr) => {
    const nodes = nodesOf(expr);
    expect(nodes.filter(({ isError }) => isError)).toEqual([]);
    expect(metricsIn(expr).length).toBeGreaterThan(0);
  });

  it("would not pass that check with a mistake in them", () => {
    expect(nodesOf("rate(x[5m)").some(({ isError }) => isError)).toBe(true);
    expect(nodesOf("sum by (a ogpu").some(({ isError }) => isError)).toBe(true);
  });

  it("name no metric that is not documented, and no label that it does not have", () => {
    const everywhere = ["instance", "job", "le"];
    for (const [where, expr] of expressions) {
      const metrics = metricsIn(expr);
      for (const metric of metrics) expect([where, metric, documented.has(metric)]).toEqual([where, metric, true]);
      const allowed = new Set([
        ...everywhere,
        ...metrics.flatMap((metric) => [...(documented.get(metric)?.labels ?? [])]),
      ]);
      const labels = nodesOf(expr).filter(({ name }) => name === "LabelName");
      for (const { text } of labels) expect([where, text, allowed.has(text)]).toEqual([where, text, true]);
    }
  });

  it("show every metric of the daemon's own", () => {
    const shown = new Set(expressions.slice(0, -rules.length).flatMap(([, expr]) => metricsIn(expr)));
    const missing = metricTable.map(({ name }) => `${metricPrefix}${name}`).filter((name) => !shown.has(name));
    expect(missing).toEqual([]);
  });

  it("ask for labels' values that there are", () => {
    for (const { expr, alert } of rules)
      for (const [, metric = "", label = "", value = ""] of expr.matchAll(/ogpu_confirmd_(\w+)\{(\w+)="([^"]+)"\}/g)) {
        const spec = metricTable.find(({ name }) => name === metric) as { labels?: Record<string, readonly string[]> };
        const values = spec.labels?.[label];
        expect([alert, values === null || values?.includes(value)]).toEqual([alert, true]);
      }
  });

  it("lead to a chapter of the runbook each", () => {
    const runbook = existsSync(join(root, "docs/runbook.md")) ? read("docs/runbook.md") : "";
    const anchors = new Set(
      [...runbook.matchAll(/^## (.+)$/gm)].map(
        ([, title = ""]) =>
          `docs/runbook.md#${title
            .toLowerCase()
            .replace(/[^\w -]/g, "")
            .replaceAll(" ", "-")}`,
      ),
    );
    for (const { alert, annotations, labels } of rules) {
      expect([alert, anchors.has(annotations.runbook)]).toEqual([alert, true]);
      expect(["critical", "warning"]).toContain(labels.severity);
    }
  });

  const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
  it.skipIf(!hasPromtool)("are what promtool takes", () => {
    const { status, stderr } = spawnSync("promtool", ["check", "rules", join(root, rulesFile)], { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
  });
});
