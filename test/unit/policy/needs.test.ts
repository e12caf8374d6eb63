import { describe, expect, it } from "vitest";
import type { FactsJson } from "../../../src/policy/factsJson.ts";
import { recordFacts } from "../../../src/policy/gatherFacts.ts";
import { keyText } from "../../../src/policy/keyText.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import { everything, type Needs } from "../../../src/policy/needs.ts";
import type { Policy } from "../../../src/policy/policyPort.ts";
import type { SignalSpec } from "../../../src/policy/policySpec.ts";
import { createRecordedSignals } from "../../../src/policy/signals/recordedSignals.ts";
import { candidateOf, folderOf, policyOf, responseOf, verdictsOf } from "./support.ts";

const whole = (text: string, files: Readonly<Record<string, string>> = {}): Policy => {
  const head = "apiVersion: ogpu-confirmd/v1\nname: a\n";
  const [policy] = loadPolicies(folderOf({ "a.yaml": head + text, ...files })).policies;
  if (!policy) throw new Error("no policy");
  return policy;
};
const judge = "signals: { good: { url: 'https://judge.example/' } }\n";
const { published, ...ofPlugin } = everything;

describe("what a policy needs is read, and nothing else", () => {
  it.each<[string, string, Partial<Needs>]>([
    ["a price", "strategy: first\neligible: response.payment <= task.payment\n", { output: false, config: false }],
    ["the function", 'strategy: first\neligible: task.function == "f"\n', { config: true, output: false }],
    ["the master", "strategy: first\neligible: provider.master == provider.address\n", { stake: true, history: false }],
    ["the price so far", 'strategy: first\neligible: provider.price <= ogpu("1")\n', { history: true, stake: false }],
    [
      "one thing by its condition, and another by its score",
      "strategy: best\neligible: output.valid\nscore: output.json.score\n",
      { output: true, json: true, text: false },
    ],
    [
      "a judge's word",
      `strategy: first\n${judge}eligible: signals.good == true\n`,
      { text: true, json: true, config: true },
    ],
    ["what a person is shown", "strategy: manual\n", { output: true, json: true, text: true }],
    [
      "a window from the publication",
      "strategy: cheapest\nwindow: { from: published, for: 5m }\neligible: output.valid\n",
      { published: true },
    ],
    ["a window from the first eligible", "strategy: cheapest\neligible: output.valid\n", { published: false }],
    ["a plug-in", "strategy: first\nplugin: { file: p.js }\n", { ...ofPlugin, signals: false, published: !published }],
  ])("of %s", (_what, text, needs) => {
    const files = { "p.js": 'export default () => () => ({ verdict: "hold" });\n' };
    expect(whole(text, files).needs).toMatchObject(needs);
  });
});

it("a policy is another one once its schema or its plug-in is", () => {
  const ofSchema = (type: string) =>
    whole("strategy: first\noutput: { schema: s.json }\neligible: output.valid\n", { "s.json": `{"type": "${type}"}` });
  const ofPlugin = (verdict: string) =>
    whole("strategy: first\nplugin: { file: p.js }\n", { "p.js": `export default () => () => "${verdict}";\n` });
  expect(ofSchema("object").digest).not.toBe(ofSchema("array").digest);
  expect(ofPlugin("hold").digest).not.toBe(ofPlugin("reject").digest);
  expect(ofSchema("object").digest).toBe(ofSchema("object").digest);
});

it("a response is no sibling of its own, and each of the others is one", async () => {
  const policy = whole("strategy: cheapest\nwindow: { for: 1s }\neligible: size(siblings) == 2\n");
  const settled = [{ response: responseOf(3).response, digest: "" }];
  const kinds = async (of: Parameters<typeof candidateOf>[1]) =>
    (await policy.judge(candidateOf([responseOf(1), responseOf(2)], of))).map(({ kind }) => kind);
  expect(await kinds({ settled })).toEqual(["confirm"]);
  expect(await kinds({})).toEqual(["reject", "reject"]);
});

it("a judge that was not recorded has no answer in a replay, whatever its name", async () => {
  const facts = { response: { address: "0x1" }, signals: { good: { score: 1 } } } as unknown as FactsJson;
  const judges = createRecordedSignals(() => [facts]);
  const ask = (name: string, of = facts) => judges.ask({ name } as SignalSpec, of);
  expect(await ask("good")).toEqual({ ok: true, answer: { score: 1 } });
  for (const name of ["better", "constructor", "toString"]) expect(await ask(name)).toMatchObject({ ok: false });
  expect(await ask("good", { response: { address: "0x2" } } as unknown as FactsJson)).toMatchObject({ ok: false });
});

/** At second 1,000, of a response from second 101. */
it.each([
  ['now - response.submittedAt <= duration("899s")', true],
  ['now - response.submittedAt < duration("899s")', false],
  ['now - response.submittedAt >= duration("899s")', true],
  ['now - response.submittedAt > duration("899s")', false],
  ['now - duration("10s") == 990 && now + duration("10s") == 1010', true],
  ['now - duration("1500ms") == 998', true],
])("a time by the chain's clock is compared to the second: %s is %s", async (eligible, isTrue) => {
  const verdict = isTrue ? "1 confirm: eligible, and the first" : `1 reject: ${eligible} is false`;
  expect(await verdictsOf(policyOf(eligible), candidateOf())).toEqual([verdict]);
});

it("keys are equal where the values are, and what has no equality to speak of is no key", () => {
  expect(keyText(1.2)).not.toBe(keyText(1.4));
  expect(keyText(2)).toBe(keyText(2n));
  for (const none of [Number.NaN, Number.POSITIVE_INFINITY, null, [1, null], new Map([["a", Number.NaN]])])
    expect([none, keyText(none)]).toEqual([none, undefined]);
});

describe("facts that are too long to keep", () => {
  const facts = (text: string, error = "") =>
    ({
      now: 1,
      task: { config: { a: text } },
      output: { json: text, text, error, digest: "d" },
      siblings: [text],
    }) as unknown as FactsJson;

  it("are kept without what the stranger wrote, by the digest of the whole", () => {
    const [short, long, other] = [facts("x"), facts("x".repeat(40_000)), facts(`y${"x".repeat(39_999)}`)].map(
      recordFacts,
    );
    expect(JSON.parse(short?.json ?? "")).toEqual(facts("x"));
    expect(JSON.parse(long?.json ?? "")).toEqual({
      ...{ now: 1, truncated: true, task: { config: null } },
      output: { json: null, text: "", error: "", digest: "d" },
    });
    expect(long?.json).toBe(other?.json);
    expect(long?.digest).not.toBe(other?.digest);
  });

  it("are not kept at all where the rest is too long as well", () => {
    expect(recordFacts(facts("x", "e".repeat(40_000))).json).toBe('{"truncated":true}');
  });
});
