import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { metricPrefix, metricTable } from "../../../src/ops/metrics/metricTable.ts";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

type Target = { readonly expr: string; readonly legendFormat?: string };
type Panel = { readonly title: string; readonly targets?: readonly Target[] };
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

  /** Those of a result: of its one aggregation, or of its metrics. */
  const carriedBy = (expr: string): ReadonlySet<string> => {
    const [, by] = /\bby \(([^)]*)\)/.exec(expr) ?? [];
    const own = metricsIn(expr).flatMap((metric) => [...(documented.get(metric)?.labels ?? [])]);
    return new Set(by === undefined ? ["instance", ...own] : by.split(/,\s*/));
  };
  it.each([
    ...dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, legendFormat = "" }) => [title, filled(expr), legendFormat] as const),
    ),
    ...rules.map(({ alert, expr, annotations }) => [alert, expr, annotations.summary] as const),
  ])("name in their texts what their results are told apart by: %s", (_, expr, text) => {
    const named = [...text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(([, label]) => label);
    const carried = carriedBy(expr);
    expect(named.filter((label) => label !== undefined && !carried.has(label))).toEqual([]);
    // Prometheus writes the scrape's own name over a label `job`: it tells daemons from others, and no job of ours.
    expect(expr.replaceAll('job="ogpu-confirmd"', "")).not.toMatch(/\bjob\b/);
  });

  it("would not pass that check with a label that is not there", () => {
    expect([...carriedBy("sum by (a, b) (rate(up[5m]))")]).toEqual(["a", "b"]);
    expect(carriedBy("ogpu_confirmd_endpoint_up == 0").has("job")).toBe(false);
    expect(carriedBy("ogpu_confirmd_endpoint_up == 0").has("endpoint")).toBe(true);
  });

  it("compare the last backup with the start of a daemon that makes backups, label by label", () => {
    const { expr = "" } = rules.find(({ alert }) => alert === "OgpuConfirmdBackupOld") ?? {};
    const [success, ...starts] = metricsIn(expr).map((name) => [name, [...(documented.get(name)?.labels ?? [])]]);
    expect(success).toEqual([`${metricPrefix}housekeeping_success_timestamp_seconds`, ["job_name"]]);
    const start = [`${metricPrefix}housekeeping_since_timestamp_seconds`, ["job_name"]];
    expect(starts).toEqual([start, start]);
    // Equal labels on both sides need no matching rule, and each is asked for backups alone.
    expect(expr).not.toMatch(/\b(on|ignoring)\b/);
    expect(expr.match(/\{job_name="backup"\}/g)).toHaveLength(3);
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

  it.skipIf(!hasPromtool)("fire when they should, and only then", () => {
    const { status, stdout, stderr } = spawnSync(
      "promtool",
      ["test", "rules", join(root, "test/fixtures/alerts.yaml")],
      {
        encoding: "utf8",
      },
    );
    expect([status, `${stdout}${stderr}`]).toEqual([0, expect.stringContaining("SUCCESS")]);
  });
});
