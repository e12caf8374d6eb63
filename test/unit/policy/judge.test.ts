import fc from "fast-check";
import { expect, test } from "vitest";
import type { Output } from "../../../src/payload/payloadPort.ts";
import type { Candidate, CandidateResponse, Policy } from "../../../src/policy/policyPort.ts";
import { unixSeconds, wei } from "../../../src/protocol/brand.ts";
import { candidateOf, invalidOutput, ogpu, outputOf, policyOf, provider, responseOf, verdictsOf } from "./support.ts";

/** Facts are those of `candidateOf()`: 0.5 OGPU asked, 10 OGPU offered, label positive, confidence 1, count 3. */
const holds: readonly string[] = [
  "output.json.confidence >= 0.9",
  "output.json.confidence == 1",
  "output.json.confidence == 1.0",
  "output.json.count >= 3",
  "output.json.count > 2.5",
  "output.json.count == 3 && output.json.count != 4",
  "output.json.count in [1, 3]",
  "int(output.json.count) + 1 == 4",
  "output.json.count + 1.0 == 4.0",
  'output.json.label in ["positive", "negative"]',
  "has(output.json.label) && !has(output.json.missing)",
  'output.text.contains("positive") && output.bytes > 10 && size(output.text) == output.bytes',
  'response.payment == ogpu("0.5") && response.payment < ogpu("9.5") && task.payment == ogpu("10")',
  'response.payment == wei("500000000000000000")',
  'response.payment + wei("1") > ogpu("0.5") && response.payment - ogpu("1") < wei("0")',
  "response.payment <= task.payment.percent(5) && !(response.payment <= task.payment.percent(4))",
  'response.payment in [ogpu("0.5")]',
  "response.payment >= source.minPayment",
  `response.provider == "${provider}" && "${provider.toLowerCase()}" == response.provider`,
  `response.provider in ["${provider}"] && !(response.provider != "${provider}")`,
  `response.provider == address("${provider}")`,
  "task.source == source.address && task.address != response.address",
  'task.function == "analyze_sentiment" && task.config.function_name == task.function',
  'task.deliveryMethod == "MANUAL_CONFIRMATION" && source.status == "ACTIVE"',
  "now - response.submittedAt < 1000 && task.expiryTime - now >= 1000",
  "output.error == '' && !output.cidVerified",
];

test.each(holds)("pays where %s", async (eligible) => {
  expect(await verdictsOf(policyOf(eligible), candidateOf())).toEqual(["1 confirm: eligible, and the first"]);
});

const fails: readonly (readonly [eligible: string, verdict: string])[] = [
  ["output.valid && output.json.confidence > 1", "reject: output.json.confidence > 1 is false"],
  ["output.valid && (now < 5 || now > 5000) && true", "reject: (now < 5 || now > 5000) is false"],
  ["((output.valid) && ((now < 5)))", "reject: now < 5 is false"],
  ["output.valid &&\n  output.json.label\n  == 'x'", "reject: output.json.label == 'x' is false"],
  ["output.json.missing == 1 && now < 5", "reject: now < 5 is false"],
  [
    "output.valid && output.json.missing == 1",
    "reject: eligible could not be evaluated: no such key: missing, in output.json.missing == 1",
  ],
  [
    "output.json.label >= 0.5",
    "reject: eligible could not be evaluated: no such overload: dyn<string> >= double, in output.json.label >= 0.5",
  ],
  [
    "address(output.json.label) == response.provider",
    "reject: eligible could not be evaluated: not an address, in address(output.json.label) == response.provider",
  ],
  [
    "task.config.expected == output.json.label",
    "hold: eligible could not be evaluated: no such key: expected, in task.config.expected == output.json.label",
  ],
  [
    '[output.json].all(each, each.missing == 1 || task.config.data == "x")',
    'reject: eligible could not be evaluated: no such key: missing, in [output.json].all(each, each.missing == 1 || task.config.data == "x")',
  ],
  [
    "[task.config.data].all(each, [each].all(own, own < output.json.count))",
    "hold: eligible could not be evaluated: no such overload: dyn<string> < dyn<double>, in [task.config.data].all(each, [each].all(own, own < output.json.count))",
  ],
  ["now / (now - 1000) > 1", "hold: eligible could not be evaluated: division by zero, in now / (now - 1000) > 1"],
  [
    "output.json[output.json.label] == 1",
    "reject: eligible could not be evaluated: no such key, in output.json[output.json.label] == 1",
  ],
];

test.each(fails)("does not pay where %s", async (eligible, verdict) => {
  expect(await verdictsOf(policyOf(eligible), candidateOf())).toEqual([`1 ${verdict}`]);
});

test("the earliest submitted response that is eligible is paid; later ones stay undecided", async () => {
  const label = (value: string) => ({ output: outputOf({ label: value }) });
  const late = { response: { submittedAt: unixSeconds(500) } };
  const responses = [
    responseOf(1, { ...label("good"), ...late }),
    responseOf(2, label("bad")),
    responseOf(3, label("good")),
    responseOf(4),
  ];
  expect(await verdictsOf(policyOf('output.json.label == "good"'), candidateOf(responses))).toEqual([
    '2 reject: output.json.label == "good" is false',
    "3 confirm: eligible, and the first",
  ]);
});

test("responses of one second are judged in the order given", async () => {
  const same = { response: { submittedAt: unixSeconds(500) } };
  const responses = [responseOf(3, same), responseOf(2, same)];
  expect(await verdictsOf(policyOf("output.valid"), candidateOf(responses))).toEqual([
    "3 confirm: eligible, and the first",
  ]);
});

test("a payload that may still come is waited for, longer each time, and then held", async () => {
  const judge = async (waits: number, more = "", now = 1000) => {
    const item = responseOf(1, { output: invalidOutput("HTTP 503", true), waits });
    const [verdict] = await policyOf("output.valid", more).judge(candidateOf([item], { now: unixSeconds(now) }));
    return `${verdict?.kind} ${verdict?.until} ${verdict?.reason}`;
  };
  const reason = "the payload could not be fetched: HTTP 503";
  expect(await judge(0)).toBe(`wait 1005 ${reason}`);
  expect(await judge(1)).toBe(`wait 1010 ${reason}`);
  expect(await judge(2)).toBe(`wait 1020 ${reason}`);
  expect(await judge(3)).toBe(`hold undefined ${reason}`);
  expect(await judge(0, "retries: 0")).toBe(`hold undefined ${reason}`);
  expect(await judge(9, "retries: 10")).toBe(`wait 1300 ${reason}`);
  expect(await judge(0, "", 1998)).toBe(`wait 1999 ${reason}`);
  expect(await judge(0, "", 1999)).toBe(`hold undefined ${reason}`);
});

test("a payload that nobody was asked for costs no retry, and is looked at again after half the response's age", async () => {
  const judge = async (age: number, more: Partial<CandidateResponse> = {}) => {
    const output = { ...invalidOutput("its host is slow, and busy with others", true), unasked: true as const };
    const item = responseOf(1, { output, waits: 3, response: { submittedAt: unixSeconds(1_000 - age) }, ...more });
    const [verdict] = await policyOf("output.valid").judge(candidateOf([item]));
    return `${verdict?.kind} ${verdict?.until} ${verdict?.waitsFor} ${verdict?.reason}`;
  };
  const reason = "the payload could not be fetched: its host is slow, and busy with others";
  expect(await judge(0)).toBe(`wait 1005 turn ${reason}`);
  expect(await judge(41)).toBe(`wait 1021 turn ${reason}`);
  expect(await judge(900)).toBe(`wait 1300 turn ${reason}`);
  expect(await judge(0, { waitsUntil: unixSeconds(1007) })).toBe(`wait 1007 document ${reason}`);
});

test("a payload that does not come before its time costs no retry, and is waited for until then", async () => {
  const judge = async (waits: number, more = "") => {
    const output = invalidOutput("HTTP 503", true);
    const item = responseOf(1, { output, waits, waitsUntil: unixSeconds(1007) });
    const [verdict] = await policyOf("output.valid", more).judge(candidateOf([item]));
    return `${verdict?.kind} ${verdict?.until} ${verdict?.waitsFor}`;
  };
  expect(await judge(1)).toBe("wait 1007 document");
  expect(await judge(3)).toBe("wait 1007 document");
  expect(await judge(0, "retries: 0")).toBe("wait 1007 document");
});

test("the proof of a payload's CID is read, though no expression speaks of the payload", async () => {
  const policy = policyOf('response.payment <= ogpu("1")', "output: { require: cid-verified }\n");
  expect(policy.needs).toMatchObject({ output: true, json: false, text: false });
  const proven = responseOf(1, { output: { ...outputOf({}), cidVerified: true } });
  expect(await verdictsOf(policy, candidateOf([proven]))).toEqual(["1 confirm: eligible, and the first"]);
  expect(await verdictsOf(policy, candidateOf([responseOf(1)]))).toEqual([
    "1 reject: the payload's bytes are not those that its CID names",
  ]);
});

test("a provider whose payload does not come does not hold up the next", async () => {
  const responses = [responseOf(1, { output: invalidOutput("timed out", true) }), responseOf(2)];
  expect(await verdictsOf(policyOf("output.valid"), candidateOf(responses))).toEqual([
    "1 wait: the payload could not be fetched: timed out",
    "2 confirm: eligible, and the first",
  ]);
});

test("a document that the condition does not use is not waited for", async () => {
  const item = responseOf(1, { output: invalidOutput("timed out", true) });
  const config = invalidOutput("HTTP 500", true);
  const price = 'response.payment <= ogpu("1")';
  expect(await verdictsOf(policyOf(price), candidateOf([item], { config }))).toEqual([
    "1 confirm: eligible, and the first",
  ]);
  expect(await verdictsOf(policyOf('task.config.a == "b"'), candidateOf([responseOf(1)], { config }))).toEqual([
    "1 wait: the task's config could not be fetched: HTTP 500",
  ]);
});

test("an invalid payload is rejected for its own fault", async () => {
  const candidate = candidateOf([responseOf(1, { output: invalidOutput("HTTP 404") })]);
  expect(await verdictsOf(policyOf("output.valid && now > 1"), candidate)).toEqual(["1 reject: HTTP 404"]);
  expect(await verdictsOf(policyOf("output.json.a == 1"), candidate)).toEqual(["1 reject: HTTP 404"]);
  expect(await verdictsOf(policyOf("!output.valid"), candidate)).toEqual(["1 reject: HTTP 404"]);
});

test("a document that the schema refuses is not valid, and the reason quotes the schema, not the document", async () => {
  const schema = '{"type": "object", "properties": {"label": {"enum": ["a"]}}, "additionalProperties": false}';
  const policy = policyOf("output.valid", "output: { schema: s.json }", { "s.json": schema });
  const judge = (json: unknown) => verdictsOf(policy, candidateOf([responseOf(1, { output: outputOf(json) })]));
  expect(await judge({ label: "a" })).toEqual(["1 confirm: eligible, and the first"]);
  expect(await judge({ label: "secret" })).toEqual([
    "1 reject: the output does not match s.json at #/properties/label/enum",
  ]);
  expect(await judge({ secret: 1 })).toEqual(["1 reject: the output does not match s.json at #/additionalProperties"]);
});

test("nobody is paid more than the cap, or than the task pays", async () => {
  const candidate = candidateOf([responseOf(1, { response: { payment: ogpu(101) } }), responseOf(2)]);
  expect(await verdictsOf(policyOf("true", 'caps: { perTask: "0.4 OGPU" }'), candidate)).toEqual([
    "1 reject: the price 10.1 OGPU is above caps.perTask 0.4 OGPU",
    "2 reject: the price 0.5 OGPU is above caps.perTask 0.4 OGPU",
  ]);
  expect(await verdictsOf(policyOf("true", 'caps: { perTask: "0.5 OGPU" }'), candidate)).toEqual([
    "1 reject: the price 10.1 OGPU is above caps.perTask 0.5 OGPU",
    "2 confirm: eligible, and the first",
  ]);
  expect((await verdictsOf(policyOf("true"), candidate))[0]).toBe(
    "1 reject: the price 10.1 OGPU is above the task's 10 OGPU",
  );
});

test("a price is compared to the wei", async () => {
  const judge = async (policy: Policy, payment: bigint, offered = 10n ** 18n) => {
    const task = { payment: wei(offered) };
    return (
      await verdictsOf(policy, candidateOf([responseOf(1, { response: { payment: wei(payment) } })], { task }))
    )[0];
  };
  const capped = policyOf("true", 'caps: { perTask: "0.5 OGPU" }');
  expect(await judge(capped, 5n * 10n ** 17n)).toMatch(/^1 confirm/);
  expect(await judge(capped, 5n * 10n ** 17n + 1n)).toMatch(/^1 reject: the price .* is above caps.perTask 0.5 OGPU$/);
  expect(await judge(policyOf("true"), 10n ** 18n)).toMatch(/^1 confirm/);
  expect(await judge(policyOf("true"), 10n ** 18n + 1n)).toMatch(/^1 reject: the price .* is above the task's 1 OGPU$/);
});

const unpayable: readonly (readonly [what: string, task: object, reason: string])[] = [
  ["a second past its expiry", { expiryTime: 999 }, "expired: the task's expiry time has passed"],
  ["in the second of its expiry", { expiryTime: 1000 }, "expired: the task's expiry time has passed"],
  ["whose expiry is no number", { expiryTime: undefined }, "expired: the task's expiry time has passed"],
  ["that is finalised", { status: 5 }, "the task is FINALIZED"],
  ["that names another source than was read", { source: provider }, "the source is not the task's"],
  ["of FIRST_RESPONSE", { deliveryMethod: 1 }, "delivery is FIRST_RESPONSE: the chain confirms by itself"],
  ["of an unknown delivery", { deliveryMethod: 7 }, "delivery is UNKNOWN(7): the chain confirms by itself"],
];

test.each(unpayable)("a task %s is held", async (_what, task, reason) => {
  expect(await verdictsOf(policyOf("true"), candidateOf(undefined, { task }))).toEqual([`1 hold: ${reason}`]);
});

test("a task that has a second left is judged", async () => {
  expect(await verdictsOf(policyOf("true"), candidateOf(undefined, { task: { expiryTime: 1001 } }))).toEqual([
    "1 confirm: eligible, and the first",
  ]);
});

test("a response of another task, or one that is confirmed, is held", async () => {
  const judge = (response: object) => verdictsOf(policyOf("true"), candidateOf([responseOf(1, { response })]));
  expect(await judge({ task: `0x${"7".repeat(40)}` })).toEqual(["1 hold: the response belongs to another task"]);
  expect(await judge({ status: 1 })).toEqual(["1 hold: the response is CONFIRMED"]);
});

test("a key named constructor or toString is a key like any other", async () => {
  const judge = (eligible: string, json: unknown) =>
    verdictsOf(policyOf(eligible), candidateOf([responseOf(1, { output: outputOf(json) })]));
  expect(await judge("output.json.constructor == 4", { constructor: 4 })).toEqual([
    "1 confirm: eligible, and the first",
  ]);
  expect(await judge("has(output.json.toString)", {})).toEqual(["1 reject: has(output.json.toString) is false"]);
  expect(await judge("output.json == {'a': 1}", JSON.parse('{"a": 1, "toString": null}'))).toEqual([
    "1 reject: output.json == {'a': 1} is false",
  ]);
});

test("the verdict names the policy, its digest and its mode", async () => {
  const policy = policyOf("output.valid", "mode: enforce");
  expect(await policy.judge(candidateOf())).toEqual([
    expect.objectContaining({ policy: "a", policyDigest: policy.digest, mode: "enforce", until: undefined }),
  ]);
});

test("whatever the facts are, judging never rejects, and confirms at most one response", async () => {
  const policy = policyOf('output.valid && output.json.a == "yes" && response.payment <= task.payment.percent(90)');
  const output = fc.record({
    valid: fc.anything(),
    json: fc.oneof(fc.anything(), fc.record({ a: fc.oneof(fc.constant("yes"), fc.anything()) })),
    text: fc.anything(),
    bytes: fc.anything(),
    cidVerified: fc.anything(),
    error: fc.anything(),
    transient: fc.anything(),
  });
  const broken = fc.record({ response: fc.anything(), output, waits: fc.anything() });
  const sound = fc
    .record({ output, waits: fc.anything(), payment: fc.oneof(fc.bigInt(), fc.anything()) })
    .map(({ payment, ...item }) =>
      responseOf(1, { response: { payment }, ...(item as { output: Output; waits: number }) }),
    );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(broken, sound)), async (responses) => {
      const verdicts = await policy.judge(candidateOf(responses as Candidate["responses"]));
      const confirmed = verdicts.filter(({ kind }) => kind === "confirm");
      expect(confirmed.length).toBeLessThanOrEqual(1);
      if (confirmed.length === 0) return;
      const item = responses[verdicts.length - 1] as {
        readonly output: Output;
        readonly response: { payment: bigint };
      };
      expect(
        responses.some(({ output: { valid, json } }) => valid === true && (json as { a: unknown })?.a === "yes"),
      ).toBe(true);
      expect(typeof item.response.payment).toBe("bigint");
    }),
    { numRuns: 500 },
  );
});

test("a response is confirmed exactly where the condition is true", async () => {
  const policy = policyOf("output.valid && output.json.n >= 3 && response.payment <= task.payment.percent(50)");
  const values = fc.oneof(
    fc.integer({ min: 0, max: 6 }),
    fc.double({ min: 0, max: 6, noNaN: true }),
    fc.string(),
    fc.constant(null),
  );
  await fc.assert(
    fc.asyncProperty(fc.boolean(), values, fc.integer({ min: 0, max: 120 }), async (valid, n, tenths) => {
      const output = { ...outputOf({ n }), valid, error: valid ? "" : "invalid" };
      const item = responseOf(1, { response: { payment: ogpu(tenths) }, output });
      const [verdict] = await policy.judge(candidateOf([item]));
      const eligible = valid && typeof n === "number" && n >= 3 && tenths <= 50;
      expect(verdict?.kind).toBe(eligible ? "confirm" : "reject");
    }),
    { numRuns: 500 },
  );
});

test("facts that throw when they are read hold the response", async () => {
  const output = Object.defineProperty(outputOf({}), "json", {
    get: () => {
      throw new Error("gone");
    },
  });
  expect(await verdictsOf(policyOf("output.json.a == 1"), candidateOf([responseOf(1, { output })]))).toEqual([
    "1 hold: the policy failed on this task: a fact is not what it should be",
  ]);
  const gone = new Proxy(
    {},
    {
      get: () => {
        throw new Error("gone");
      },
    },
  ) as Candidate;
  expect(await policyOf("true").judge(gone)).toEqual([]);
});
