import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createCompiler } from "../../../src/policy/expression.ts";

type Expected = Readonly<Record<string, unknown>>;
type Row = readonly [suite: string, name: string, expression: string, expected: Expected];

const file = join(import.meta.dirname, "../../fixtures/celConformance.json");
const rows = JSON.parse(readFileSync(file, "utf8")) as readonly Row[];
const anyType = { includes: () => true } as unknown as readonly string[];
const compile = createCompiler();

/** What the expression comes to, or why it is refused at load. */
function outcomeOf(expression: string): { readonly refused: string } | Expected {
  const compiled = compile(expression, { key: "it", is: "anything", types: anyType });
  if (!compiled.ok) return { refused: compiled.problems[0]?.message ?? "" };
  const result = compiled.expression.value({});
  if (result.kind === "error") return { error: true };
  const { value } = result;
  if (typeof value === "bigint") return { int: String(value) };
  if (typeof value === "boolean") return { bool: value };
  if (typeof value === "string") return { string: value };
  if (typeof value === "number") return { double: Number.isFinite(value) ? value : String(value) };
  return value === null ? { null: true } : { other: true };
}

/** An error where CEL has a value never pays; a value where CEL has an error, or another value, could. */
test("what is accepted at load comes to what the public CEL specification says, or to an error", () => {
  const wrong = rows.flatMap(([suite, name, expression, expected]) => {
    const outcome = outcomeOf(expression);
    if ("refused" in outcome || "error" in outcome) return [];
    const wanted = "other" in expected ? { other: true } : expected;
    return JSON.stringify(outcome) === JSON.stringify(wanted) ? [] : [`${suite}/${name}: ${expression}`];
  });
  expect(wrong).toEqual([]);
});

test("of the specification's tests this many are accepted, refused at load, or an error where a value is asked for", () => {
  const outcomes = rows.map(([, , expression, expected]) => ({ outcome: outcomeOf(expression), expected }));
  const refused = outcomes.filter(({ outcome }) => "refused" in outcome).length;
  const errors = outcomes.filter(({ outcome, expected }) => "error" in outcome && !("error" in expected)).length;
  expect({ all: rows.length, refused, errors }).toEqual({ all: 1677, refused: 1160, errors: 1 });
});

const refusals: readonly (readonly [expression: string, why: RegExp])[] = [
  ["1u == 1u", /unsigned integers are not supported/],
  ["b'a' == b'a'", /bytes are not supported/],
  ["{1: 2, 1: 3}[1] == 3", /the key is written twice/],
  ["{null: 1}[null] == 1", /null is no key/],
  ["duration('99999999999s') > duration('1s')", /duration\(\) reads a number with its unit/],
  ["now - duration('1s') - duration('2s') > 0 && duration('1s') + duration('2s') > duration('1s')", /not added/],
  ["now - duration(output.text) > 0", /a duration is written in quotes/],
  ["timestamp('2026-01-01T00:00:00Z') > timestamp(0)", /unknown function timestamp/],
  ["dyn(1) == 1", /unknown function dyn/],
  ["type(1) == int", /unknown function type/],
  ["bytes('a') == bytes('a')", /unknown function bytes/],
];

test.each(refusals)("%s is refused at load", (expression, why) => {
  expect(outcomeOf(expression)).toEqual({ refused: expect.stringMatching(why) });
});

test("our own functions are shown by the names that their author wrote", () => {
  const compiled = compile('output.text.trim().lowerAscii() == "a" && int(output.json.n) > 1');
  expect(compiled.ok && compiled.expression.conjuncts).toEqual([
    'output.text.trim().lowerAscii() == "a"',
    "int(output.json.n) > 1",
  ]);
});
