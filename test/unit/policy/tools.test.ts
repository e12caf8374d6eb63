import { join } from "node:path";
import { expect, test } from "vitest";
import type { RecordedDecision } from "../../../src/journal/policyJournal.ts";
import type { FactsJson } from "../../../src/policy/factsJson.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import { strategyNames } from "../../../src/policy/policySpec.ts";
import { createRecordedSignals } from "../../../src/policy/signals/recordedSignals.ts";
import type { Signals } from "../../../src/policy/signals/signalsPort.ts";
import { backtest } from "../../../src/policy/tools/backtest.ts";
import { backtestPage, backtestTable } from "../../../src/policy/tools/backtestReport.ts";
import { checkPolicies } from "../../../src/policy/tools/checkPolicies.ts";
import { explain } from "../../../src/policy/tools/explain.ts";
import { listPolicies } from "../../../src/policy/tools/listPolicies.ts";
import { newPolicy } from "../../../src/policy/tools/newPolicy.ts";
import { pastTasks } from "../../../src/policy/tools/pastTasks.ts";
import { takesAll } from "../../../src/policy/tools/takesAll.ts";
import { testPolicies } from "../../../src/policy/tools/testPolicies.ts";
import { candidateOf, folderOf, ogpu, outputOf, policyText, problemsOf, responseOf } from "./support.ts";

const shipped = join(import.meta.dirname, "../../../policies");

test("the tests of the worked policies pass, and see every condition fail", async () => {
  const { ok, text } = await testPolicies(shipped);
  expect(text).not.toMatch(/FAIL|no tests|never:/);
  expect(ok).toBe(true);
});

test("the worked policies load where they will run, in order", async () => {
  expect(await checkPolicies(shipped)).toMatch(/8 policies in .*: valid/);
  expect(listPolicies(shipped)).toMatch(/translation-cheapest +shadow +cheapest +translate/);
});

test("a comparison of documents that have no room beside one another is told of", async () => {
  const cheapest = (maxBytes: string) =>
    policyText("output.valid", `output: { maxBytes: ${maxBytes} }`).replace("strategy: first", "strategy: cheapest");
  const checked = (text: string) => checkPolicies(folderOf({ "a.yaml": text }));
  expect(await checked(cheapest("16MiB"))).toMatch(/a \(cheapest, shadow\): 3 payloads of output.maxBytes have room/);
  expect(await checked(cheapest("256KiB"))).toMatch(/a \(cheapest, shadow\)\n$/);
  expect(await checked(policyText("output.valid", "output: { maxBytes: 16MiB }"))).toMatch(/a \(first, shadow\)\n$/);
});

const matching = (name: string, match: string) =>
  policyText("output.valid", `match: { ${match} }\n`).replace("name: a", `name: ${name}`);

test("a policy that one before it leaves no task to is told of", async () => {
  const files = { "a.yaml": matching("a", ""), "b.yaml": `${matching("rest", "functions: [b]")}mode: enforce\n` };
  expect(await checkPolicies(folderOf(files))).toMatch(
    /a \(first, shadow\)\n {2}rest \(first, enforce\): judges nothing, since a comes first and fits every task that it would\n$/,
  );
});

const wide = "functions: [a, b], payment: { max: 2 OGPU }";
test.each<[wide: string, narrow: string, takes: boolean]>([
  ["", "functions: [a]", true],
  ["functions: [a]", "", false],
  [wide, "functions: [b], payment: { max: 1 OGPU }", true],
  [wide, "functions: [b], payment: { max: 3 OGPU }", false],
  [wide, "functions: [b]", false],
  [wide, "functions: [b, c], payment: { max: 1 OGPU }", false],
  ["delivery: [MANUAL_CONFIRMATION]", "payment: { min: 1 OGPU }", false],
])("whether { %s } takes every task of { %s }", (first, second, takes) => {
  const { loaded } = loadPolicies(folderOf({ "a.yaml": matching("a", first), "b.yaml": matching("b", second) }));
  const [a, b] = loaded.map(({ spec }) => spec.match);
  expect(a && b && takesAll(a, b)).toBe(takes);
});

test.each(strategyNames)("a new policy of strategy %s loads as it is", (strategy) => {
  expect(problemsOf({ "a.yaml": newPolicy(strategy) })).toEqual([]);
});

const cases = (expected: string, more = "") =>
  `cases: [{ name: one, ${more} responses: [{ id: a, json: { ok: true } }], expect: { a: "${expected}" } }]`;
const runs: readonly (readonly [what: string, tests: string | undefined, ok: boolean, text: RegExp])[] = [
  ["a case that is as expected", cases("confirm: the first"), true, /ok {3}a: one[\s\S]*1 of 1 cases as expected/],
  ["a case that is not", cases("reject"), false, /FAIL a: one\n.*a: expected reject\n.*but got confirm: eligible/],
  ["another reason", cases("confirm: the cheapest"), false, /expected confirm: the cheapest/],
  ["no test file", undefined, false, /a: no tests\nFAIL no case ran/],
  ["no case", "cases: []", false, /no case/],
  ["a slip in a key", cases("confirm", "respones: 1,"), false, /unknown key "respones"/],
  ["nothing expected", "cases: [{ responses: [{ id: a }] }]", false, /expect is empty/],
  ["a name that no response has", "cases: [{ responses: [{ id: a }], expect: { b: hold } }]", false, /no response "b"/],
];

test.each(runs)("policy test with %s", async (_what, tests, ok, text) => {
  const files = { "a.yaml": policyText("output.valid"), ...(tests !== undefined && { "tests/a.test.yaml": tests }) };
  const outcome = await testPolicies(folderOf(files));
  expect(outcome.ok).toBe(ok);
  expect(outcome.text).toMatch(text);
});

async function recorded() {
  const text = policyText("output.json.label == 'x' && response.payment <= task.payment.percent(90)");
  const set = loadPolicies(folderOf({ "a.yaml": text.replace("strategy: first", "strategy: cheapest") }));
  const offers = [5, 3].map((price, index) =>
    responseOf(index + 1, { output: outputOf({ label: "x" }), response: { payment: ogpu(price) } }),
  );
  const [policy] = set.policies;
  if (!policy) throw new Error("no policy");
  const looks = [offers.slice(0, 1), offers.slice(1)].map((some) => policy.judge(candidateOf(some)));
  const verdicts = (await Promise.all(looks)).flat();
  return { set, verdicts, offers };
}

test("explain shows each fact, and each part of a condition with its value", async () => {
  const { set, verdicts } = await recorded();
  const [policy] = set.loaded;
  const text = (await explain(policy?.program as never, JSON.parse(verdicts[0]?.facts?.json ?? ""))).join("\n");
  expect(text).toContain('  response.payment = "500000000000000000"');
  expect(text).toContain("task.payment.percent(90)  →  9000000000000000000 wei");
  expect(text).toMatch(/output\.json\.label == 'x' {2}→ {2}true/);
});

test("explain says why a response was refused whose conditions are true", async () => {
  const { verdicts } = await recorded();
  const facts = JSON.parse(verdicts[0]?.facts?.json ?? "") as FactsJson;
  const explained = async (eligible: string, output: Partial<FactsJson["output"]>, more = "") => {
    const files = { "a.yaml": policyText(eligible, more), "s.json": '{ "type": "string" }' };
    const [policy] = loadPolicies(folderOf(files)).loaded;
    return (await explain(policy?.program as never, { ...facts, output: { ...facts.output, ...output } })).join("\n");
  };
  const nothing = { valid: false, json: null, text: "", digest: "", error: "gone" };
  const gone = await explained("!output.text.contains('error')", nothing);
  expect(gone).toMatch(/^of this response alone: reject: gone\n[\s\S]*contains\('error'\) {2}→ {2}true/);
  expect(await explained("now > 0", nothing)).toMatch(/^of this response alone: eligible\n/);
  const refused = await explained("output.valid", {}, "output: { schema: s.json }");
  expect(refused).toMatch(/alone: reject: the output does not match s\.json at [\s\S]*output\.valid = false/);
});

test("backtest says what other files would have paid, against what was paid", async () => {
  const { set, verdicts, offers } = await recorded();
  const decisions = verdicts.map((verdict, index) => ({
    ...verdict,
    task: candidateOf().task.address,
    payment: offers[index]?.response.payment,
    provider: offers[index]?.response.provider,
    kind: index === 0 ? "confirm" : "reject",
    factsJson: verdict.facts?.json ?? "",
    confirmation: index === 0 ? "final" : undefined,
  })) as unknown as readonly RecordedDecision[];
  const result = await backtest(pastTasks(set, decisions));
  expect(result).toMatchObject({ wouldPay: String(ogpu(3)), didPay: String(ogpu(5)), skipped: 0 });
  expect(backtestTable(result)).toMatch(/1 task: these files would pay 0.3 OGPU; 0.5 OGPU was paid: 0.2 OGPU less/);
  expect(backtestPage(result)).toMatch(/<svg[\s\S]*<rect/);
  expect(backtestTable({ ...result, skipped: 2, unjudged: 1 })).toMatch(
    /2 tasks left out: .*\n1 response never judged/,
  );
  expect(
    (await backtest(pastTasks(set, [{ ...decisions[0], factsJson: '{"truncated":true}' } as never]))).skipped,
  ).toBe(1);
});

test("a backtest of very many tasks is a table as well", () => {
  const task = candidateOf().task.address;
  const row = { task, policy: "a", would: undefined, did: undefined, reason: "why" };
  const result = { rows: Array(200_000).fill(row), wouldPay: "0", didPay: "0", skipped: 0, unjudged: 0 };
  expect(backtestTable(result)).toMatch(/200000 tasks: these files would pay 0 OGPU; 0 OGPU was paid: 0 OGPU less\n$/);
});

test("a backtest counts as paid what was mined, not what was meant to be or stopped by a second transaction", async () => {
  const { set, verdicts, offers } = await recorded();
  const states = ["intended", "signed", "broadcast", "mined", "final", "superseded", "rejected", "cancelled", "dead"];
  const rows = states.map(async (confirmation) => {
    const paid = { ...verdicts[0], task: candidateOf().task.address, payment: offers[0]?.response.payment };
    const decision = {
      ...paid,
      kind: "confirm",
      transaction: "0xabc",
      confirmation,
      factsJson: verdicts[0]?.facts?.json,
    };
    return [confirmation, (await backtest(pastTasks(set, [decision] as never))).didPay];
  });
  const paid = Object.fromEntries(await Promise.all(rows)) as Readonly<Record<string, string>>;
  expect(states.filter((state) => paid[state] !== "0")).toEqual(["mined", "final"]);
});

test("a task is left out of a backtest where what the policy reads was not recorded", async () => {
  const { verdicts, offers } = await recorded();
  const decisions = verdicts.map((verdict, index) => ({
    ...verdict,
    task: candidateOf().task.address,
    payment: offers[index]?.response.payment,
    factsJson: verdict.facts?.json ?? "",
  })) as unknown as readonly RecordedDecision[];
  const skipped = async (eligible: string) => {
    const set = loadPolicies(folderOf({ "a.yaml": policyText(eligible) }));
    return (await backtest(pastTasks(set, decisions))).skipped;
  };
  expect(await skipped("output.json.label == 'x'")).toBe(0);
  expect(await skipped("now > 0")).toBe(0);
  expect(await skipped("provider.lockup > ogpu('1')")).toBe(1);
  expect(await skipped("provider.rejected < 3")).toBe(1);
  expect(await skipped("output.text != ''")).toBe(1);
  expect(await skipped("task.config.x == 1")).toBe(1);
});

test("a task is left out of a backtest of the journal where the window counts from its publication: no facts tell of that", async () => {
  const { verdicts } = await recorded();
  const decisions = verdicts.map((verdict) => ({
    ...verdict,
    task: candidateOf().task.address,
    factsJson: verdict.facts?.json,
  }));
  const skipped = async (window: string) => {
    const text = policyText("output.valid", `window: ${window}`).replace("strategy: first", "strategy: cheapest");
    return (await backtest(pastTasks(loadPolicies(folderOf({ "a.yaml": text })), decisions as never))).skipped;
  };
  expect(await skipped("{ for: 10m }")).toBe(0);
  expect(await skipped("{ for: 10m, from: published }")).toBe(1);
});

test("a policy that would have had no payload fetched knows none in a backtest, though another one did", async () => {
  const { verdicts } = await recorded();
  const [task, factsJson] = [candidateOf().task.address, verdicts[0]?.facts?.json ?? ""];
  const other = factsJson.replaceAll(candidateOf().responses[0]?.response.address ?? "", `0x${"2".repeat(40)}`);
  const decisions = [factsJson, other].map((each, index) => ({ task, response: String(index), factsJson: each }));
  const pays = async (eligible: string) => {
    const set = loadPolicies(folderOf({ "a.yaml": policyText(eligible) }));
    return (await backtest(pastTasks(set, decisions as never))).rows.some(({ would }) => would !== undefined);
  };
  expect(await pays("siblings.exists(s, s.digest != '')")).toBe(false);
  expect(await pays("output.valid && siblings.exists(s, s.digest != '')")).toBe(true);
});

test("a task whose function nobody knows any more is left out where a policy may be meant for it", async () => {
  const { verdicts } = await recorded();
  const facts = JSON.parse(verdicts[0]?.facts?.json ?? "") as FactsJson;
  const skipped = async (match: string, task: Partial<FactsJson["task"]>) => {
    const files = { "a.yaml": policyText("now > 0", `match: ${match}`), "b.yaml": policyText("now > 0") };
    const set = loadPolicies(folderOf({ ...files, "b.yaml": files["b.yaml"].replace("name: a", "name: b") }));
    const factsJson = JSON.stringify({ ...facts, task: { ...facts.task, ...task } });
    return (await backtest(pastTasks(set, [{ ...verdicts[0], task: facts.task.address, factsJson } as never]))).skipped;
  };
  expect(await skipped("{ functions: [f] }", { function: "", config: null })).toBe(1);
  expect(await skipped("{ functions: [f] }", { function: "", config: { data: 1 } })).toBe(0);
  expect(await skipped("{ functions: [f] }", { function: "g", config: null })).toBe(0);
  expect(await skipped('{ payment: { min: "99 OGPU" } }', { function: "", config: null })).toBe(0);
});

test("a judge's recorded word is what a replay goes by; where there is none, nobody is paid", async () => {
  const text = (least: number) => `apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: first
signals: { quality: { url: http://127.0.0.1:1/ } }\neligible: signals.quality.score >= ${least}\n`;
  const saying: Signals = { ask: async () => ({ ok: true, answer: { score: 0.8 } }) };
  const [policy] = loadPolicies(folderOf({ "a.yaml": text(0.7) }), { signals: saying }).policies;
  const verdicts = (await policy?.judge(candidateOf())) ?? [];
  const facts = JSON.parse(verdicts[0]?.facts?.json ?? "");
  const decisions = [{ ...verdicts[0], task: candidateOf().task.address, factsJson: JSON.stringify(facts) }];
  const wouldPay = async (least: number, recorded: readonly FactsJson[]) => {
    const signals = createRecordedSignals(() => recorded);
    const set = loadPolicies(folderOf({ "a.yaml": text(least) }), { signals });
    const [row] = (await backtest(pastTasks(set, decisions as never))).rows;
    return row?.would !== undefined;
  };
  expect(await wouldPay(0.7, [facts])).toBe(true);
  expect(await wouldPay(0.9, [facts])).toBe(false);
  expect(await wouldPay(0.7, [])).toBe(false);
});
