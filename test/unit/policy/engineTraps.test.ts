import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Environment } from "@marcbachmann/cel-js";
import { expect, test } from "vitest";
import { createCompiler } from "../../../src/policy/expression.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/policies.md"), "utf8");
const rows = [...page.matchAll(/^\| `(.+)` \| (.+) \| (.+) \| (.+) \|$/gm)].map(([, ...cells]) => cells);
const compile = createCompiler();
const engine = new Environment();

function engineSays(expression: string): string {
  try {
    return String(engine.evaluate(expression, {}));
  } catch {
    return "an error";
  }
}

function weSay(expression: string): string {
  const compiled = compile(expression);
  if (!compiled.ok) return `refused: ${compiled.problems[0]?.message}`;
  const result = compiled.expression.evaluate({});
  return result.kind === "error" ? "an error" : result.kind;
}

test("the page lists what the engine gets wrong", () => {
  expect(rows.length).toBeGreaterThan(12);
});

test.each(rows)("%s: CEL says %s, the engine %s, and here it is %s", (expression = "", cel, says, here = "") => {
  expect(engineSays(expression)).toBe(says);
  expect(weSay(expression).startsWith(here)).toBe(true);
  // Either it is refused, or it comes to what CEL says.
  if (!here.startsWith("refused")) expect(here).toBe(cel);
});
