import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { decodeBody } from "../../../src/payload/decodeBody.ts";
import type { Output } from "../../../src/payload/payloadPort.ts";
import type { Evaluator } from "../../../src/policy/evaluator.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import type { Candidate, Policy } from "../../../src/policy/policyPort.ts";
import type { Assessment } from "../../../src/policy/program.ts";
import type { Signals } from "../../../src/policy/signals/signalsPort.ts";
import { createWorkerEvaluator } from "../../../src/policy/worker/workerEvaluator.ts";
import { toAddress, unixSeconds } from "../../../src/protocol/brand.ts";
import { candidateOf, folderOf, invalidOutput, ogpu, outputOf, policyOf, responseOf, verdictsOf } from "./support.ts";

const kindsOf = async (policy: Policy, candidate: Candidate) => (await policy.judge(candidate)).map(({ kind }) => kind);
const whole = (text: string, files: Readonly<Record<string, string>> = {}, options = {}): Policy => {
  const head = "apiVersion: ogpu-confirmd/v1\nname: a\n";
  const [policy] = loadPolicies(folderOf({ "a.yaml": head + text, ...files }), options).policies;
  if (!policy) throw new Error("no policy");
  return policy;
};

/** Conditions that an empty fact fulfils: each reads well, and each would pay for nothing. */
const fulfilledByNothing: readonly string[] = [
  '!output.text.contains("error")',
  '!output.text.lowerAscii().matches("failed|timeout|error")',
  "!output.valid",
  "!output.valid || output.json.label == 'x'",
  'output.json != "error"',
  "output.error != ''",
  "output.bytes < 1000",
  'output.digest != "d"',
  "size(output.text) < 10",
  "!output.cidVerified",
  "output.valid == false || now > 0",
];

test.each(fulfilledByNothing)("a payload that did not come is not paid where %s", async (eligible) => {
  const refused = candidateOf([responseOf(1, { output: invalidOutput("larger than 256 bytes") })]);
  expect(await verdictsOf(policyOf(eligible), refused)).toEqual(["1 reject: larger than 256 bytes"]);
  const late = candidateOf([responseOf(1, { output: invalidOutput("timed out", true), waits: 9 })]);
  expect(await kindsOf(policyOf(eligible), late)).toEqual(["hold"]);
});

test.each(['output.json != "error"', "!(output.json == 1)", "output.json == null"])(
  "a page of HTML is not paid where %s: it has no JSON to speak of",
  async (eligible) => {
    const output: Output = {
      ...outputOf(null),
      valid: false,
      text: "<html>502</html>",
      error: "an HTML page, not JSON",
    };
    expect(await verdictsOf(policyOf(eligible), candidateOf([responseOf(1, { output })]))).toEqual([
      "1 reject: an HTML page, not JSON",
    ]);
  },
);

/** What came, and has no text: of the empty one that stands in its place nothing can be said. */
const noTexts: readonly (readonly [what: string, output: Output])[] = [
  ["not UTF-8", decodeBody(Buffer.alloc(1_000, 0xff))],
  ["empty", decodeBody(new Uint8Array(), { cidVerified: true })],
];

describe.each(noTexts)("a payload that came and is %s", (error, output) => {
  const payload = { output, provider: { lockup: ogpu(9), eligible: true } };
  const each = [1, 2, 3].map((id) =>
    responseOf(id, { ...payload, provider: { ...payload.provider, master: toAddress(`0x${String(id).repeat(40)}`) } }),
  );

  test.each([
    ...fulfilledByNothing.filter((eligible) => /output\.(text|json)/.test(eligible)),
    '!output.text.matches("(?i)error") && output.digest != ""',
    '[output].exists(o, !o.text.contains("error")) && output.digest != ""',
  ])("is not paid where %s", async (eligible) => {
    expect(await verdictsOf(policyOf(eligible), candidateOf([responseOf(1, payload)]))).toEqual([`1 reject: ${error}`]);
  });

  test("agrees with nothing: its text is no key", async () => {
    const policy = whole("strategy: quorum\neligible: provider.eligible\nquorum: { count: 2, key: output.text }\n");
    expect(await kindsOf(policy, candidateOf(each))).toEqual(["reject", "reject", "reject"]);
  });

  test("is shown to no judge and no plug-in", async () => {
    const asked: string[] = [];
    const judge: Signals = {
      ask: async ({ name }) => {
        asked.push(name);
        return { ok: true, answer: { bad: false } };
      },
    };
    const head = "strategy: first\n";
    const judged = `${head}signals: { quality: { url: http://127.0.0.1:1/ } }\neligible: "!signals.quality.bad"\n`;
    const plugin = { "p.js": 'export default () => () => ({ verdict: "eligible" });\n' };
    for (const policy of [whole(judged, {}, { signals: judge }), whole(`${head}plugin: { file: p.js }\n`, plugin)]) {
      expect(await verdictsOf(policy, candidateOf([responseOf(1, payload)]))).toEqual([`1 reject: ${error}`]);
    }
    expect(asked).toEqual([]);
  });

  test("may be judged by what it is: its bytes, its digest, its CID", async () => {
    const policy = policyOf("output.digest != '' && (output.bytes == 1000 || output.cidVerified)");
    expect(await kindsOf(policy, candidateOf([responseOf(1, payload)]))).toEqual(["confirm"]);
  });
});

test.each([
  'output.bytes > 0 && [output].exists(o, !o.text.contains("error"))',
  'output.bytes > 0 && (now > 0 ? output : output).text == ""',
  "output.bytes > 0 && [output][0].json == null",
  'output.bytes > 0 && {"it": output}["it"].json != {"label": "error"}',
  'task.payment > wei("0") && [task].exists(t, t.config == null)',
  'task.payment > wei("0") && [task].exists(t, t.function == "")',
])("a fact that an expression takes whole, beside a field of it, is all there: %s", async (eligible) => {
  const output = outputOf({ label: "error" });
  expect(await kindsOf(policyOf(eligible), candidateOf([responseOf(1, { output })]))).toEqual(["reject"]);
});

test("a text that came, and is no JSON, may be judged as a text", async () => {
  const output: Output = { ...outputOf(null), valid: false, text: "four legs, a tail", error: "not JSON" };
  expect(await kindsOf(policyOf('output.text.contains("tail")'), candidateOf([responseOf(1, { output })]))).toEqual([
    "confirm",
  ]);
});

test("a quorum of payloads that did not come is no quorum", async () => {
  const nobody = [1, 2, 3].map((id) =>
    responseOf(id, {
      output: invalidOutput("HTTP 404"),
      provider: { master: toAddress(`0x${String(id).repeat(40)}`), lockup: ogpu(9), eligible: true },
    }),
  );
  for (const key of ["output.text", "output.digest", "output.error", "output.bytes"]) {
    const policy = whole(`strategy: quorum\neligible: provider.eligible\nquorum: { count: 2, key: ${key} }\n`);
    expect(await kindsOf(policy, candidateOf(nobody))).toEqual(["reject", "reject", "reject"]);
  }
});

test.each(['task.function != "forbidden"', 'task.config != "x"', "!(task.config == 1)", 'task.function == ""'])(
  "a config that cannot be read holds the task where %s",
  async (eligible) => {
    const candidate = candidateOf([responseOf(1)], { config: invalidOutput("HTTP 404") });
    expect(await verdictsOf(policyOf(eligible), candidate)).toEqual([
      "1 hold: the task's config cannot be read: HTTP 404",
    ]);
  },
);

test.each([
  "provider.lockup >= wei('0')",
  "!(provider.lockup < ogpu('1'))",
  "provider.rejected < 3",
  "!provider.eligible || true == (provider.seen > 3)",
  `provider.master != "0x${"1".repeat(40)}"`,
])("what is not known of a provider holds the response where %s", async (eligible) => {
  expect(await kindsOf(policyOf(eligible), candidateOf([responseOf(1)]))).toEqual(["hold"]);
});

test.each([
  "!signals.quality.bad",
  "signals.quality.score >= 0.0",
  "signals.quality != 1",
  "!has(signals.quality.bad)",
])("a judge that does not answer is waited for, then the response is held, where %s", async (eligible) => {
  const silent: Signals = { ask: async () => ({ ok: false, error: "the judge quality did not answer in time" }) };
  const judge = "signals: { quality: { url: http://127.0.0.1:1/ } }\n";
  const policy = whole(`strategy: first\n${judge}eligible: ${JSON.stringify(eligible)}\n`, {}, { signals: silent });
  expect(await kindsOf(policy, candidateOf([responseOf(1)]))).toEqual(["wait"]);
  expect(await kindsOf(policy, candidateOf([responseOf(1, { waits: 3 })]))).toEqual(["hold"]);
});

test("the best of several is not guessed where a plug-in gives one of them no score", async () => {
  const plugin = `export default () => ({ response }) =>
    response.submittedAt === 101 ? { verdict: "eligible" } : { verdict: "eligible", score: -1 };\n`;
  const policy = whole("strategy: best\nwindow: { for: 1s }\nplugin: { file: p.js }\n", { "p.js": plugin });
  expect(await verdictsOf(policy, candidateOf([responseOf(1), responseOf(2)]))).toEqual([
    "1 hold: the plug-in gave no score",
    "2 hold: the plug-in gave no score",
  ]);
});

const misbehaving: readonly (readonly [what: string, body: string])[] = [
  ["throws", "throw new Error('confirm')"],
  ["throws nothing", "throw undefined"],
  ["returns a promise of a verdict", 'return Promise.resolve({ verdict: "eligible" })'],
  ["has a getter that throws", 'return { get verdict() { throw new Error("eligible") } }'],
  ["says eligible in other letters", 'return { verdict: "Eligible" }'],
  ["says confirm", 'return { verdict: "confirm" }'],
  ["says true", "return true"],
  ["says yes with a boxed text", 'return { verdict: new String("eligible") }'],
  ["gives a score that is no number", 'return { verdict: "eligible", score: NaN }'],
  ["gives a score without end", 'return { verdict: "eligible", score: Infinity }'],
  ["gives a score as a text", 'return { verdict: "eligible", score: "1e9" }'],
  ["calls itself for ever", "const f = () => f() + 1; return f()"],
  ["spins", "for (;;);"],
  ["ends its thread", "process.exit(0)"],
];

test.each(misbehaving)("a plug-in that %s pays nobody", async (_what, body) => {
  const evaluator = createWorkerEvaluator({ threads: 1 });
  onTestFinished(() => evaluator.close());
  const files = { "p.js": `export default () => (facts) => { ${body} };\n` };
  for (const strategy of ["first", "best"]) {
    const policy = whole(`strategy: ${strategy}\nplugin: { file: p.js }\n`, files, { evaluator });
    const kinds = await kindsOf(policy, candidateOf([responseOf(1)]));
    expect(kinds).toHaveLength(1);
    expect(["hold", "reject"]).toContain(kinds[0]);
  }
});

/** Whatever an evaluator answers that is not `eligible`, and however short its answer is, nobody is paid for it. */
test("only what was assessed as eligible is ever confirmed", async () => {
  const assessment = fc.constantFrom<Assessment>(
    { kind: "reject", reason: "r" },
    { kind: "hold", reason: "h" },
    { kind: "needs-signals" },
    { kind: "eligible", score: 1, key: "k" },
  );
  const strategies = {
    first: "",
    cheapest: "window: { for: 1s }\n",
    best: "score: now\nwindow: { for: 1s }\n",
    quorum: "quorum: { count: 2, key: output.text, without: first }\nwindow: { for: 1s }\n",
    manual: "",
  };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...(Object.keys(strategies) as (keyof typeof strategies)[])),
      fc.array(assessment, { maxLength: 4 }),
      fc.integer({ min: 0, max: 4 }),
      async (strategy, answers, count) => {
        const evaluator: Evaluator = {
          prepare: async () => undefined,
          assess: async () => answers,
          close: async () => undefined,
        };
        const policy = whole(`strategy: ${strategy}\neligible: now > 0\n${strategies[strategy]}`, {}, { evaluator });
        const responses = Array.from({ length: count }, (_, index) => responseOf(index + 1));
        const verdicts = await policy.judge(candidateOf(responses, { now: unixSeconds(1_500) }));
        const confirmed = verdicts.filter(({ kind }) => kind === "confirm");
        expect(confirmed.length).toBeLessThanOrEqual(1);
        for (const { response } of confirmed) {
          const place = responses.findIndex((each) => each.response.address === response);
          expect(answers[place]?.kind).toBe("eligible");
        }
        if (strategy === "manual") expect(confirmed).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});

test("an evaluator that breaks holds every response", async () => {
  for (const assess of [
    async () => Promise.reject(new Error("eligible")),
    async () => undefined as never,
    async () => [{ kind: "confirm" }] as never,
    () => {
      throw new Error("eligible");
    },
  ]) {
    const evaluator: Evaluator = { prepare: async () => undefined, assess, close: async () => undefined };
    const policy = whole("strategy: first\neligible: output.valid\n", {}, { evaluator });
    expect(await kindsOf(policy, candidateOf([responseOf(1)]))).not.toContain("confirm");
  }
});
