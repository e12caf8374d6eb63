import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { problemsOf } from "./support.ts";

const folder = join(import.meta.dirname, "../../../policies");
const schema = JSON.parse(readFileSync(join(folder, "policy.schema.json"), "utf8"));
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);
const address = `"0x${"1".repeat(40)}"`;

/** Lines of a policy, each under a strategy where it means something; editors and the daemon must say the same of it. */
const lines: Readonly<Record<string, readonly string[]>> = {
  first: [
    ...["mode: shadow", "mode: enforce", "mode: on", "mode: true", "mode: Shadow", "modes: shadow"],
    ...["order: 0", "order: 1000000", "order: 1000001", "order: -1", "order: 1.5", 'order: "1"', "order: [1]"],
    ...["match: {}", "match: 1", "match: { function: [f] }", "match: { functions: [] }", "match: { functions: [1] }"],
    ...["match: { functions: f }", `match: { sources: [${address}] }`, 'match: { sources: ["0x1"] }'],
    ...[`match: { clients: ${address} }`, `match: { clients: [${address}] }`, "match: { delivery: [FIRST] }"],
    ...["match: { delivery: [MANUAL_CONFIRMATION, FIRST_RESPONSE] }", "match: { delivery: [] }"],
    ...['match: { payment: { min: "1 OGPU", max: "2 ogpu" } }', "match: { payment: { min: 1 } }"],
    ...['match: { payment: "1 OGPU" }', 'match: { payment: { least: "1 OGPU" } }'],
    ...[
      'caps: { perTask: "0.05 OGPU" }',
      "caps: { perTask: 0.05 }",
      'caps: { perTask: "5" }',
      'caps: { perYear: "1 OGPU" }',
    ],
    ...['caps: { perHour: "1 OGPU", perDay: "2 OGPU", perProviderHour: "5 gwei" }', 'caps: { perDay: "-1 OGPU" }'],
    ...[
      "output: { maxBytes: 256KiB }",
      "output: { maxBytes: 1000 }",
      "output: { maxBytes: 0 }",
      "output: { maxBytes: 1.5 }",
    ],
    ...["output: { maxBytes: 67108865 }", "output: { maxBytes: 10GB }", "output: { maxBytes: true }"],
    ...["output: { maxBytes: 16777216B }", "output: { maxBytes: 1GiB }"],
    ...["output: { timeout: 500ms }", "output: { timeout: 5 }", "output: { timeout: 5 seconds }", "output: []"],
    ...["output: { require: cid-verified }", "output: { require: cid }", "output: { schemas: s.json }"],
    ...["budget: 50ms", "budget: 50", "retries: 0", "retries: 10", "retries: 11", 'retries: "3"', "onError: hold"],
    ...["onError: pay", "tests: t.yaml", "tests: 1", "unknown: 1"],
    ...["signals: {}", "signals: []", "signals: { q: http://x/ }", "signals: { q: { timeout: 1s } }"],
    ...["plugin: p.js", "plugin: { options: {} }", "plugin: { file: 1 }", "plugin: { file: p.py }"],
  ],
  cheapest: [
    ...[
      "window: { for: 2m }",
      "window: { for: 2 }",
      "window: { for: 1d }",
      "window: { for: 1.5h }",
      "window: { for: 1w }",
      "window: { during: 2m }",
      "window: 2m",
      "window: { from: published }",
    ],
    ...["window: { from: now }", "ties: earliest", "ties: hold", "ties: cheapest", "ties: random", "ties: 1"],
    ...["window: { latest: 'task.expiry - duration(\"1h\")' }", "window: { latest: 1 }"],
  ],
  best: ["score: now", "score: 1", "score: [now]"],
  quorum: [
    ...[
      "quorum: { count: 2, key: output.text }",
      "quorum: { count: 1, key: output.text }",
      "quorum: { count: 101, key: output.text }",
    ],
    ...["quorum: { key: output.text }", 'quorum: { count: "2", key: output.text }', "quorum: 2"],
    ...["quorum: { count: 2, key: output.text, pick: cheapest, without: first, within: 1m, decide: closed }"],
    ...["quorum: { count: 2, key: output.text, pick: best }", "quorum: { count: 2, key: output.text, without: pay }"],
    ...[
      "quorum: { count: 2, key: output.text, decide: now }",
      "quorum: { count: 2, key: output.text, within: 60 }",
      "quorum: { count: 2, key: 1 }",
    ],
  ],
  manual: ["mode: shadow", "window: { for: 1m }"],
};
const rows = Object.entries(lines).flatMap(([strategy, each]) => each.map((line) => [strategy, line] as const));

test.each(rows)("an editor and the daemon say the same of strategy %s with %s", (strategy, line) => {
  const text = `apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: ${strategy}\neligible: output.valid\n${line}\n`;
  const problems = problemsOf({ "a.yaml": text });
  expect({ accepted: validate(parse(text)) }).toEqual({ accepted: problems.length === 0 });
});

test("whatever a file says, it loads, or every problem is told with its place", () => {
  const all = Object.values(lines).flat();
  const required = ["apiVersion: ogpu-confirmd/v1", "name: a", "eligible: output.valid"];
  const document = fc.record({
    strategy: fc.constantFrom(...Object.keys(lines)),
    kept: fc.subarray(required, { minLength: 1 }),
    more: fc.uniqueArray(fc.constantFrom(...all), { maxLength: 4 }),
    rubbish: fc.option(fc.string({ maxLength: 12 }), { freq: 8 }),
  });
  fc.assert(
    fc.property(document, ({ strategy, kept, more, rubbish }) => {
      const text = [...kept, `strategy: ${strategy}`, ...more, rubbish ?? ""].join("\n");
      const problems = problemsOf({ "a.yaml": text });
      expect(Array.isArray(problems)).toBe(true);
      for (const { file, line, column, message } of problems) {
        expect([file, line > 0, column > 0, message.length > 0]).toEqual(["a.yaml", true, true, true]);
      }
    }),
    { numRuns: 500 },
  );
});

test("a quorum without its terms is a mistake in the file, like any other", () => {
  const text = "apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: quorum\neligible: output.valid\n";
  expect(problemsOf({ "a.yaml": text }).map(({ message }) => message)).toEqual(["quorum is missing"]);
});

test.each([
  ["apiVersion: ogpu-confirmd/v2\nname: a\nstrategy: first\neligible: output.valid"],
  ["name: a\nstrategy: first\neligible: output.valid"],
  ["apiVersion: ogpu-confirmd/v1\nstrategy: first\neligible: output.valid"],
  ["apiVersion: ogpu-confirmd/v1\nname: A b\nstrategy: first\neligible: output.valid"],
  ["apiVersion: ogpu-confirmd/v1\nname: a\neligible: output.valid"],
  ["apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: fist\neligible: output.valid"],
  ["apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: first\neligible: true"],
])("both refuse %j", (text) => {
  expect(problemsOf({ "a.yaml": text })).not.toEqual([]);
  expect(validate(parse(text))).toBe(false);
});
