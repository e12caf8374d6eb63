import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { assert, asyncProperty, constantFrom, jsonValue, record, string } from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { createAssessor } from "../../../src/policy/assessor.ts";
import type { Evaluator } from "../../../src/policy/evaluator.ts";
import { createCompiler } from "../../../src/policy/expression.ts";
import type { FactsJson } from "../../../src/policy/factsJson.ts";
import { createInProcessEvaluator } from "../../../src/policy/inProcessEvaluator.ts";
import { createNearEvaluator, isBoundedProgram } from "../../../src/policy/nearEvaluator.ts";
import type { Program } from "../../../src/policy/program.ts";
import { areSmall } from "../../../src/policy/smallFacts.ts";
import { createWorkerEvaluator } from "../../../src/policy/worker/workerEvaluator.ts";
import { provider } from "./support.ts";

const compile = createCompiler();
const isBounded = (source: string): boolean => {
  const compiled = compile(source);
  if (!compiled.ok) throw new Error(`${source}: ${compiled.problems.map(({ message }) => message)}`);
  return compiled.expression.isBounded;
};

const bounded = [
  "output.valid && response.payment <= task.payment.percent(90)",
  'output.json.label in ["cat", "dog"] && double(output.json.confidence) >= 0.9',
  'has(output.json.a) ? output.json["a"].b == 1 : !output.cidVerified',
  'response.provider in ["0x00000000000000000000000000000000000000aa"] || provider.lockup >= ogpu("10")',
  'now < task.expiry - duration("10m") && -now < 0',
  "size(output.json.answer) > 40 && output.text.size() < 100",
  'output.text.startsWith("{") && output.json.a.endsWith(output.json.b)',
  'output.json == null || int(output.json.count) + 1 > 2 || response.payment + wei("1") > ogpu("1")',
];

const unbounded = [
  "output.json.list.all(x, x > 1)",
  "size(output.json.list.filter(x, x == 1)) > 1",
  "size(output.json.list.map(x, x)) > 1",
  "siblings.exists(other, other.digest == output.digest)",
  "size(siblings) > 1",
  "signals.quality.score >= 0.7",
  'output.text.matches("a")',
  'output.text.contains("error")',
  'output.text.lowerAscii() == "a"',
  'output.text.trim() == "a"',
  'output.text + output.text == "aa"',
  "size(output.json.a + output.json.a) > 1",
  "output.json.a == output.json.b",
  "output.json.a in output.json.b",
  "output.json.a == [1, 2]",
  "[output.json.a][0] == 1",
  '{"a": 1}[output.text] == 1',
  "output.json.list[output.json.index] == 1",
  'ogpu(output.json.price) > ogpu("1")',
  'string(output.json.a) == "a"',
];

test.each(bounded)("a condition whose form bounds it is evaluated here: %s", (source) => {
  expect(isBounded(source)).toBe(true);
});

test.each(unbounded)("what may loop, search, build or compare at length goes to a thread: %s", (source) => {
  expect(isBounded(source)).toBe(false);
});

test("nothing that stands around an unbounded part makes it bounded", async () => {
  const around = [
    (a: string, b: string) => `(${a}) && (${b})`,
    (a: string, b: string) => `(${b}) || !(${a})`,
    (a: string, b: string) => `(${b}) ? (${a}) : false`,
    (a: string, b: string) => `((${a}) ? 1 : 2) + 1 > ((${b}) ? 1 : 2)`,
    (a: string, b: string) => `(${a}) == (${b})`,
  ];
  const pick = record({ a: constantFrom(...unbounded), b: constantFrom(...bounded), wrap: constantFrom(...around) });
  await assert(
    asyncProperty(pick, async ({ a, b, wrap }) => {
      expect(isBounded(wrap(a, b))).toBe(false);
      expect(isBounded(wrap(b, b))).toBe(true);
    }),
  );
});

test("a condition of very many parts is not bounded, however plain each is", () => {
  const terms = (count: number) => Array.from({ length: count }, (_, index) => `now != ${index}`).join(" && ");
  expect([isBounded(terms(20)), isBounded(terms(60))]).toEqual([true, false]);
});

const plain: Program = {
  digest: "plain",
  eligible: 'output.valid && output.json.label == "positive" && output.json.confidence >= 0.5',
  score: undefined,
  key: undefined,
  schema: undefined,
  plugin: undefined,
};
const withSchema = (schema: unknown): Program => ({
  ...plain,
  digest: JSON.stringify(schema),
  schema: { path: "a.json", documents: { "a.json": schema } },
});

test.each<[what: string, program: Program, bounded: boolean]>([
  ["a plain condition", plain, true],
  ["a loop in the score", { ...plain, score: "size(output.json.a.filter(x, true))" }, false],
  ["a plain score", { ...plain, score: "output.json.score" }, true],
  ["a list as a key", { ...plain, key: "[output.json.a]" }, false],
  ["a plug-in", { ...plain, plugin: { path: "p.ts", text: "", options: {} } }, false],
  [
    "a schema of types and ranges",
    withSchema({
      type: "object",
      required: ["a"],
      properties: { a: { type: ["number", "null"], minimum: 0 }, b: { items: { enum: ["x", 1] }, maxItems: 3 } },
      additionalProperties: false,
    }),
    true,
  ],
  ["a schema with a pattern", withSchema({ properties: { a: { pattern: "^a" } } }), false],
  ["a schema that wants unique items", withSchema({ properties: { a: { uniqueItems: true } } }), false],
  ["a schema with a reference", withSchema({ properties: { a: { $ref: "#" } } }), false],
  ["a schema that tries others", withSchema({ anyOf: [{ type: "number" }, { type: "string" }] }), false],
  ["a schema that compares lists", withSchema({ enum: [[1, 2]] }), false],
  ["a schema of a thousand properties", withSchema({ properties: Object.fromEntries(many(1_000)) }), false],
])("a program is bounded in all its parts, or not at all: %s", (_, program, isBoundedHere) => {
  expect(isBoundedProgram(program)).toBe(isBoundedHere);
});

function many(count: number): readonly (readonly [string, object])[] {
  return Array.from({ length: count }, (_, index) => [`p${index}`, {}] as const);
}

const factsOf = (json: unknown, more: Partial<FactsJson> = {}): FactsJson => {
  const address = `0x${"1".repeat(40)}`;
  const text = JSON.stringify(json) ?? "";
  return {
    now: 1_000,
    task: {
      ...{ address, source: address, payment: "10", expiryTime: 2_000 },
      ...{ deliveryMethod: "MANUAL_CONFIRMATION", function: "f", config: null },
    },
    source: { address, client: address, minPayment: "1", status: "ACTIVE" },
    response: { address, provider, payment: "5", submittedAt: 900 },
    output: { valid: true, json, text, bytes: text.length, cidVerified: false, error: "", digest: "d" },
    ...more,
  };
};

const options = { budgetMs: 1_000, stopAtEligible: false };

/** Threads that are counted, and judge in this thread. */
function counted(): Evaluator & { readonly asked: () => number } {
  const inner = createInProcessEvaluator();
  let asked = 0;
  return {
    ...inner,
    assess: (...args) => {
      asked += 1;
      return inner.assess(...args);
    },
    asked: () => asked,
  };
}

async function askedThreads(program: Program, facts: readonly FactsJson[]): Promise<boolean> {
  const threads = counted();
  const evaluator = createNearEvaluator(threads);
  await evaluator.prepare([program]);
  const said = await evaluator.assess(program, facts, options);
  const assess = await createAssessor(program);
  expect(said).toEqual(facts.map(assess));
  return threads.asked() > 0;
}

test.each<[what: string, program: Program, facts: readonly FactsJson[], asked: boolean]>([
  ["small facts and a plain condition", plain, [factsOf({ label: "positive", confidence: 1 })], false],
  ["a long text", plain, [factsOf({ label: "x".repeat(20_000) })], true],
  ["a list of many items", plain, [factsOf(Array(20_000).fill(0))], true],
  ["a large config", plain, [factsOf({}, { task: { ...factsOf({}).task, config: ["x".repeat(20_000)] } })], true],
  ["a number that JSON has not", plain, [factsOf({ confidence: Number.POSITIVE_INFINITY })], true],
  ["five responses at once", plain, Array(5).fill(factsOf({})), true],
  ["a loop", { ...plain, eligible: "output.json.list.all(x, x > 1)" }, [factsOf({ list: [2] })], true],
])("only little of what is bounded is evaluated here: %s", async (_, program, facts, asked) => {
  expect(await askedThreads(program, facts)).toBe(asked);
});

test("what was not compiled for this set is left to the threads, and so is everything once it is closed", async () => {
  const threads = counted();
  const evaluator = createNearEvaluator(threads);
  await evaluator.prepare([plain]);
  await evaluator.assess({ ...plain, digest: "another" }, [factsOf({})], options);
  expect(threads.asked()).toBe(1);
  await evaluator.prepare([]);
  await evaluator.assess(plain, [factsOf({})], options);
  expect(threads.asked()).toBe(2);
  await evaluator.prepare([plain]);
  await evaluator.close();
  await evaluator.assess(plain, [factsOf({})], options);
  expect(threads.asked()).toBe(3);
});

test("it stops after the first that is eligible, where that is wanted", async () => {
  const evaluator = createNearEvaluator(counted());
  await evaluator.prepare([plain]);
  const good = factsOf({ label: "positive", confidence: 1 });
  const said = await evaluator.assess(plain, [factsOf({}), good, good], { ...options, stopAtEligible: true });
  expect(said.map(({ kind }) => kind)).toEqual(["reject", "eligible"]);
});

test("no thread starts before there is something for it, and then it knows all of the set", async () => {
  const started: unknown[] = [];
  const note = (thread: unknown) => started.push(thread);
  subscribe("worker_threads", note);
  onTestFinished(() => void unsubscribe("worker_threads", note));
  const threads = createWorkerEvaluator({ threads: 1 });
  onTestFinished(() => threads.close());
  const evaluator = createNearEvaluator(threads);
  await evaluator.prepare([plain]);
  expect(await evaluator.assess(plain, [factsOf({})], options)).toMatchObject([{ kind: "reject" }]);
  expect(started).toHaveLength(0);
  const large = { label: "positive", confidence: 1, more: "x".repeat(20_000) };
  expect(await evaluator.assess(plain, [factsOf(large)], options)).toEqual([{ kind: "eligible" }]);
  await evaluator.prepare([plain, { ...plain, digest: "loop", eligible: "output.json.list.all(x, x > 1)" }]);
  // One evaluates, one stands by.
  expect(started).toHaveLength(2);
});

test("whatever the payload, it says what a thread says", async () => {
  const threads = createWorkerEvaluator({ threads: 1 });
  onTestFinished(() => threads.close());
  const evaluator = createNearEvaluator(threads);
  const properties = { label: {}, confidence: { type: "number", maximum: 1 } };
  const schema = { type: "object", required: ["label"], properties };
  const ofBounded = bounded.map((eligible, index): Program => ({ ...plain, digest: `bounded ${index}`, eligible }));
  const programs = [plain, withSchema(schema), ...ofBounded];
  await evaluator.prepare(programs);
  const labelled = record(
    { label: constantFrom("positive", "negative", 1), confidence: jsonValue(), a: jsonValue(), answer: string() },
    { requiredKeys: [] },
  );
  await assert(
    asyncProperty(constantFrom(...programs), labelled, jsonValue(), async (program, json, other) => {
      const facts = [factsOf(json), factsOf(other)];
      expect(await evaluator.assess(program, facts, options)).toEqual(await threads.assess(program, facts, options));
    }),
    { numRuns: 300 },
  );
});

test("facts are small by everything that they hold", () => {
  expect(areSmall({ a: ["x".repeat(1_000), 1, null, { b: true }] })).toBe(true);
  expect(areSmall({ a: { b: { c: "x".repeat(20_000) } } })).toBe(false);
  expect(areSmall({ ["x".repeat(20_000)]: 1 })).toBe(false);
  expect(areSmall(Object.fromEntries(many(20_000)))).toBe(false);
  expect(areSmall(Number.NaN)).toBe(false);
  expect(areSmall(-0)).toBe(false);
});
