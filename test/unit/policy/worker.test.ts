import { expect, onTestFinished, test } from "vitest";
import type { FactsJson } from "../../../src/policy/factsJson.ts";
import { gatherFacts } from "../../../src/policy/gatherFacts.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import { loadPolicySet } from "../../../src/policy/loadPolicySet.ts";
import { everything } from "../../../src/policy/needs.ts";
import type { Program } from "../../../src/policy/program.ts";
import { type Job, nextTexts } from "../../../src/policy/worker/job.ts";
import { createWorkerEvaluator } from "../../../src/policy/worker/workerEvaluator.ts";
import { candidateOf, folderOf, invalidOutput, ogpu, outputOf, policyText, responseOf, verdictsOf } from "./support.ts";

const plugin = (body: string) => `export default () => (facts) => { ${body} }\n`;
const named = (name: string, more: string) =>
  `apiVersion: ogpu-confirmd/v1\nname: ${name}\nstrategy: first\nmatch: { functions: [${name}] }\n${more}`;

async function setOf(files: Readonly<Record<string, string>>, options = {}) {
  const killed: string[] = [];
  const evaluator = createWorkerEvaluator({ threads: 1, onKilled: (reason) => killed.push(reason), ...options });
  onTestFinished(() => evaluator.close());
  const { loaded } = loadPolicies(folderOf(files), { evaluator });
  await evaluator.prepare(loaded.map(({ program }) => program));
  const policyOf = (name: string) => {
    const found = loaded.find(({ policy }) => policy.name === name)?.policy;
    if (!found) throw new Error("no policy");
    return found;
  };
  return { policyOf, killed, evaluator };
}

test("the worker says what the thread itself would say", async () => {
  const { policyOf } = await setOf({ "a.yaml": policyText('output.json.label == "positive"', "budget: 1s") });
  const responses = [responseOf(1, { output: outputOf({ label: "negative" }) }), responseOf(2), responseOf(3)];
  expect(await verdictsOf(policyOf("a"), candidateOf(responses))).toEqual([
    '1 reject: output.json.label == "positive" is false',
    "2 confirm: eligible, and the first",
  ]);
});

test("a response that overruns its budget is held; its siblings are judged, and other policies go on", async () => {
  const spin = `if (facts.response.submittedAt === 101) for (;;); return { verdict: "eligible" };`;
  const { policyOf, killed } = await setOf({
    "a.yaml": named("a", "plugin: { file: p.ts }\nbudget: 500ms"),
    "b.yaml": named("b", "eligible: output.valid\nbudget: 1s"),
    "p.ts": plugin(spin),
  });
  const stuck = verdictsOf(policyOf("a"), candidateOf([responseOf(1), responseOf(2)]));
  expect(await verdictsOf(policyOf("b"), candidateOf())).toEqual(["1 confirm: eligible, and the first"]);
  expect(await stuck).toEqual(["1 hold: the evaluation took longer than 500 ms", "2 confirm: eligible, and the first"]);
  expect(killed).toEqual(Array(2).fill("took longer than 500 ms"));
});

test("a loop over loops that runs away is cut off", async () => {
  const { policyOf } = await setOf({
    "a.yaml": policyText("output.json.a.all(x, output.json.a.all(y, x <= y + 1e9))"),
  });
  const output = outputOf({ a: Array.from({ length: 9_000 }, (_, index) => index) });
  expect(await verdictsOf(policyOf("a"), candidateOf([responseOf(1, { output })]))).toEqual([
    "1 hold: the evaluation took longer than 50 ms",
  ]);
});

test("memory is bounded too", async () => {
  const eat = `const all = []; for (;;) all.push(new Array(1e5).fill(facts)); return { verdict: "eligible" };`;
  const files = { "a.yaml": named("a", "plugin: { file: p.ts }\nbudget: 1s"), "p.ts": plugin(eat) };
  const { policyOf } = await setOf(files, { memoryMb: 32 });
  expect(await verdictsOf(policyOf("a"), candidateOf())).toEqual([
    expect.stringMatching(/^1 hold: the evaluation (used too much memory|took longer than 1000 ms)$/),
  ]);
});

/** Of control characters, each of which JSON writes in six. */
const bloated = (mebibytes: number) => {
  const text = "\u0001".repeat(mebibytes * 2 ** 20);
  return { output: { ...invalidOutput("not JSON"), text, bytes: text.length, digest: "d" } };
};

test.each([
  ["first", ["1 confirm: eligible, and the first"]],
  [
    "cheapest",
    [
      "2 hold: its facts, the payload among them, are too large to be evaluated",
      "3 confirm: the cheapest of 2 eligible: 0.4 OGPU; the next asks 0.5 OGPU",
      "4 hold: its facts, the payload among them, are too large to be evaluated",
    ],
  ],
])("a payload that no thread has room for is held, and costs nobody else anything (%s)", async (strategy, verdicts) => {
  const window = strategy === "first" ? "" : "window: { for: 1s }\n";
  const text = `apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: ${strategy}\neligible: '!output.text.contains("error")'\nbudget: 1s\n`;
  const { policyOf, killed } = await setOf({ "a.yaml": text + window }, { memoryMb: 32 });
  const cheap = responseOf(3, { response: { payment: ogpu(4) } });
  const responses = [responseOf(1), responseOf(2, bloated(8)), cheap, responseOf(4, bloated(3))];
  expect(await verdictsOf(policyOf("a"), candidateOf(responses))).toEqual(verdicts);
  expect(killed).toEqual([]);
});

test("payloads that are too large together are assessed one after the other", async () => {
  const { policyOf, killed } = await setOf(
    { "a.yaml": named("a", "eligible: '!output.text.contains(\"error\")'\nbudget: 1s").replace("first", "manual") },
    { memoryMb: 32 },
  );
  const responses = Array.from({ length: 9 }, (_, index) => responseOf(index + 1, bloated(0.6)));
  const verdicts = await verdictsOf(policyOf("a"), candidateOf(responses));
  expect(verdicts.map((verdict) => verdict.slice(2, 6))).toEqual(Array(9).fill("hold"));
  expect(verdicts.join()).not.toMatch(/too large|the evaluation/);
  expect(killed).toEqual([]);
});

test("a response that eats the memory is held, and not one before it", async () => {
  const eat = `const all = []; while (facts.response.submittedAt === 102) all.push(new Array(1e5).fill(facts)); return { verdict: "eligible" };`;
  const files = { "a.yaml": named("a", "plugin: { file: p.ts }\nbudget: 1s"), "p.ts": plugin(eat) };
  const { policyOf } = await setOf(files, { memoryMb: 32 });
  expect(await verdictsOf(policyOf("a"), candidateOf([responseOf(2), responseOf(3)]))).toEqual([
    expect.stringMatching(/^2 hold: the evaluation (used too much memory|took longer than 1000 ms)$/),
    "3 confirm: eligible, and the first",
  ]);
});

test("once a thread was cut off, the responses of its job go one by one, so that none is taken for another", () => {
  const facts = (text: string) => ({ output: { text } }) as FactsJson;
  const job = { facts: ["a", "b", "c"].map(facts), assessments: [], options: { stopAtEligible: false }, struckAt: -1 };
  const texts = (struckAt: number, most = 1_000) => nextTexts({ ...job, struckAt } as unknown as Job, most).length;
  expect(texts(-1)).toBe(3);
  expect(texts(-1, 50)).toBe(2);
  expect(texts(0)).toBe(1);
});

test("a plug-in that ends its thread holds its response, and finds no key in its environment", async () => {
  const { policyOf } = await setOf({
    "a.yaml": named("a", "plugin: { file: exit.js }"),
    "b.yaml": named("b", "plugin: { file: env.js }\nbudget: 1s"),
    "exit.js": plugin("process.exit(0)"),
    "env.js": plugin('return { verdict: "reject", reason: JSON.stringify(process.env) };'),
  });
  expect(await verdictsOf(policyOf("a"), candidateOf())).toEqual(["1 hold: the evaluation ended its thread"]);
  expect(await verdictsOf(policyOf("b"), candidateOf())).toEqual(["1 reject: {}"]);
});

test("a plug-in is typed, has its options, and gives a score or a key", async () => {
  const text = `
    type Options = { readonly least: number };
    export default ({ least }: Options) => (facts: { output: { json: { count: number } } }) =>
      facts.output.json.count >= least
        ? { verdict: "eligible", score: facts.output.json.count, reason: "enough" }
        : { verdict: "reject", reason: "too few" };
  `;
  const policy = `apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: best\nwindow: { for: 1s }\nbudget: 1s\n`;
  const { policyOf } = await setOf({
    "a.yaml": `${policy}plugin: { file: p.ts, options: { least: 3 } }`,
    "p.ts": text,
  });
  const counts = [2, 4, 9, 5].map((count, index) => responseOf(index + 1, { output: outputOf({ count }) }));
  expect(await verdictsOf(policyOf("a"), candidateOf(counts))).toEqual([
    "1 reject: too few",
    "3 confirm: the best of 3 eligible: score 9: enough",
  ]);
});

const brokenPlugins = [
  ["that does not parse", "export default (", /cannot be loaded/],
  ["without a default export", "export const a = 1;", /no function as its default export/],
  ["that is not curried", "export default () => 1;", /is not \(options\) => \(facts\) => verdict/],
  ["that imports its neighbour", 'import "./b.js"; export default () => () => 1;', /cannot be loaded/],
] as const;

test.each(brokenPlugins)("a plug-in %s is refused", async (_what, text, message) => {
  await expect(setOf({ "a.yaml": named("a", "plugin: { file: p.js }"), "p.js": text })).rejects.toThrow(message);
});

test("a plug-in that never ends to load is refused, and the policies before go on", async () => {
  const good = { "a.yaml": named("a", "eligible: output.valid\nbudget: 1s") };
  const { policyOf, evaluator } = await setOf(good, { patienceMs: 3_000 });
  const files = { "b.yaml": named("b", "plugin: { file: p.js }"), "p.js": "for (;;);" };
  await expect(loadPolicySet(folderOf({ ...good, ...files }), { evaluator })).rejects.toThrow(
    /did not begin within 3000 ms when it was compiled/,
  );
  expect(await verdictsOf(policyOf("a"), candidateOf())).toEqual(["1 confirm: eligible, and the first"]);
});

test("a plug-in that was refused is refused again, also after another set was in force", async () => {
  const { evaluator } = await setOf({ "a.yaml": named("a", "eligible: output.valid") });
  const good = { "a.yaml": named("a", "eligible: output.valid"), "p.js": plugin("return 1;") };
  const bad = { "a.yaml": named("a", "plugin: { file: p.js }"), "p.js": "throw new Error('no');" };
  // As many times as there are threads, and once more: one of them gets it again.
  for (let count = 0; count < 3; count++) {
    await expect(loadPolicySet(folderOf(bad), { evaluator })).rejects.toThrow(/cannot be loaded/);
    await loadPolicySet(folderOf(good), { evaluator });
  }
});

test("a plug-in that answers nonsense holds the response", async () => {
  const { policyOf } = await setOf({ "a.yaml": named("a", "plugin: { file: p.js }"), "p.js": plugin("return 1;") });
  expect(await verdictsOf(policyOf("a"), candidateOf())).toEqual(["1 hold: the plug-in answered no verdict"]);
});

test("an evaluation that a stop cuts off, waits meanwhile or comes after it says nothing of any response", async () => {
  const { policyOf, evaluator } = await setOf({
    "a.yaml": named("a", "plugin: { file: p.js }\nbudget: 1s"),
    "p.js": plugin("for (;;);"),
  });
  // One more than there are threads.
  const judged = Array.from({ length: 3 }, () => policyOf("a").judge(candidateOf([responseOf(1), responseOf(2)])));
  const told = Promise.allSettled(judged);
  await evaluator.close();
  const after = await Promise.allSettled([policyOf("a").judge(candidateOf())]);
  for (const each of [...(await told), ...after]) {
    expect(each).toMatchObject({ status: "rejected", reason: { code: "EVALUATION_CUT_OFF" } });
  }
});

test("a thread keeps no policies that are in force no more, however often the files change", async () => {
  const killed: string[] = [];
  const evaluator = createWorkerEvaluator({ threads: 1, memoryMb: 32, onKilled: (reason) => killed.push(reason) });
  onTestFinished(() => evaluator.close());
  const text = `export default (options) => () => ({ verdict: "eligible", reason: options.name });`;
  const programOf = (version: number): Program => {
    // Each is a fraction of what the thread may take; together they are more.
    const options = { name: `version ${version}`, table: `${version} `.repeat(2 ** 21) };
    const plugin = { path: "p.js", text, options };
    return {
      digest: String(version),
      eligible: undefined,
      score: undefined,
      key: undefined,
      schema: undefined,
      plugin,
    };
  };
  const responses = [responseOf(1)];
  const facts = gatherFacts(candidateOf(responses), responses, everything);
  const ask = (version: number) =>
    evaluator.assess(programOf(version), facts, { budgetMs: 1_000, stopAtEligible: true });
  const versions = Array.from({ length: 16 }, (_, version) => version);
  for (const version of versions) await evaluator.prepare([programOf(version)]);
  expect(await ask(15)).toEqual([{ kind: "eligible", reason: "version 15" }]);
  // A look that began under another one ends under it.
  expect(await ask(3)).toEqual([{ kind: "eligible", reason: "version 3" }]);
  expect(killed).toEqual([]);
});
