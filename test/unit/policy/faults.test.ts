import { describe, expect, it, test } from "vitest";
import type { Evaluator } from "../../../src/policy/evaluator.ts";
import { isLeftToPerson } from "../../../src/policy/isLeftToPerson.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import type { CandidateResponse, Policy, Verdict } from "../../../src/policy/policyPort.ts";
import type { Assessment } from "../../../src/policy/program.ts";
import type { Signals } from "../../../src/policy/signals/signalsPort.ts";
import { toAddress } from "../../../src/protocol/brand.ts";
import { candidateOf, folderOf, outputOf, policyOf, responseOf, verdictsOf } from "./support.ts";

const whole = (text: string, files: Readonly<Record<string, string>> = {}, options = {}): Policy => {
  const head = "apiVersion: ogpu-confirmd/v1\nname: a\n";
  const [policy] = loadPolicies(folderOf({ "a.yaml": head + text, ...files }), options).policies;
  if (!policy) throw new Error("no policy");
  return policy;
};
const judge = "signals: { quality: { url: 'https://judge.example/' } }\n";
const answering = (answer: unknown): Signals => ({ ask: async () => ({ ok: true, answer }) });

/** Responses 1, 2, … of a master each, with these documents. */
const saying = (...documents: readonly unknown[]): readonly CandidateResponse[] =>
  documents.map((json, index) =>
    responseOf(index + 1, {
      output: outputOf(json),
      provider: { master: toAddress(`0x${String(index + 1).repeat(40)}`) as never },
    }),
  );

describe("a response is not rejected for what its document has no part in, or not alone", () => {
  it("is held where the task's config names what its document does not have", async () => {
    expect(await verdictsOf(policyOf("output.json[task.config.function_name] == 1"), candidateOf())).toEqual([
      expect.stringMatching(/^1 hold: eligible could not be evaluated: no such key/),
    ]);
  });

  it("is held where a judge's answer names what its document does not have", async () => {
    const policy = whole(
      `strategy: first\n${judge}eligible: output.json[signals.quality] == 1\n`,
      {},
      { signals: answering("grade") },
    );
    expect(await verdictsOf(policy, candidateOf())).toEqual([
      expect.stringMatching(/^1 hold: eligible could not be evaluated: no such key/),
    ]);
  });
});

describe("a response whose document lacks what a comparison goes by is rejected, and holds up nobody", () => {
  it("where it has no score, and the best of the others is paid", async () => {
    const policy = whole("strategy: best\nwindow: { for: 1s }\neligible: output.valid\nscore: output.json.score\n");
    expect(await verdictsOf(policy, candidateOf(saying({}, { score: 1 }, { score: 2 })))).toEqual([
      expect.stringMatching(/^1 reject: score could not be evaluated: no such key/),
      "3 confirm: the best of 2 eligible: score 2",
    ]);
  });

  it("where it has no key, also where the first is paid without a quorum", async () => {
    const quorum = "quorum: { count: 2, key: output.json.label, without: first }";
    const policy = whole(`strategy: quorum\nwindow: { for: 1s }\neligible: output.valid\n${quorum}\n`);
    expect(await verdictsOf(policy, candidateOf(saying({}, { label: "cat" }, { label: "dog" })))).toEqual([
      expect.stringMatching(/^1 reject: key could not be evaluated: no such key/),
      "2 confirm: no quorum: 1 of 2 agree; without one the first is paid",
    ]);
  });
});

test("answers agree by the key that a plug-in gives them, and one that it holds or rejects has no vote", async () => {
  const plugin = `export default () => ({ output }) => ({ verdict: output.json.verdict, key: output.json.key });\n`;
  const policy = whole("strategy: quorum\nquorum: { count: 2 }\nplugin: { file: p.js }\n", { "p.js": plugin });
  const says = (key: string, verdict = "eligible") => ({ key, verdict });
  const [held, rejected] = [says("cat", "hold"), says("cat", "reject")];
  expect(await verdictsOf(policy, candidateOf(saying(says("dog"), says("cat"), says("cat"))))).toEqual([
    "2 confirm: 2 masters agree; paid is the first",
  ]);
  expect(await verdictsOf(policy, candidateOf(saying(held, says("cat"), rejected)))).toEqual([
    "1 hold: the plug-in says hold",
    "2 hold: no quorum: 1 of 2 agree",
    "3 reject: the plug-in says reject",
  ]);
});

test("one of which nothing was said after its judge had answered is held, whatever was said before", async () => {
  const answers: (readonly Assessment[])[] = [[{ kind: "needs-signals" }], []];
  const evaluator: Evaluator = {
    prepare: async () => undefined,
    assess: async () => answers.shift() ?? [],
    close: async () => undefined,
  };
  const policy = whole(
    `strategy: first\n${judge}eligible: signals.quality == true\n`,
    {},
    { evaluator, signals: answering(true) },
  );
  expect(await verdictsOf(policy, candidateOf())).toEqual(["1 hold: it was not evaluated"]);
});

it.each<[what: string, verdict: Partial<Verdict> | undefined, first: boolean, compared: boolean]>([
  ["nothing was said", undefined, false, false],
  ["one was rejected", { kind: "reject", waitsFor: "window" }, false, false],
  ["one is held for its own sake", { kind: "hold", waitsFor: "document" }, false, false],
  ["a comparison is held", { kind: "hold", waitsFor: "window" }, true, true],
  ["an early version held one and did not note why", { kind: "hold" }, false, true],
])("where %s, a person decides only where that is about the comparison: %#", (_what, verdict, first, compared) => {
  const verdicts = [undefined, verdict as Verdict | undefined];
  expect(isLeftToPerson(verdicts, { comparesSiblings: false })).toBe(first);
  expect(isLeftToPerson(verdicts, { comparesSiblings: true })).toBe(compared);
});
