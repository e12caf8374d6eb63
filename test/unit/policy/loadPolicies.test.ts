import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ConfigError } from "../../../src/errors.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import { toAddress } from "../../../src/protocol/brand.ts";
import { folderOf, ogpu, policyOf, policyText, problemsOf, provider } from "./support.ts";

const head = "apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: first\n";
const good = `${head}eligible: output.valid\n`;
const plugin = `${good}plugin:\n  file: p.ts\n  options: `;

/** The mark ¦ stands where the problem must be reported. */
const broken: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ["YAML that is none", `${good}match: ¦functions: [a]`, /^YAML: /],
  ["a tag", `${good}retries: ¦!foo 3`, /^YAML: Unresolved tag/],
  ["a key written twice", `${good}mode: shadow\n¦mode: enforce`, /the key is written twice/],
  ["a list for a policy", "¦- a", /a policy is a map/],
  ["a file without a policy", "¦# nothing yet", /holds no policy/],
  ["an unknown key", `${good}¦modes: shadow`, /unknown key "modes" \(did you mean mode\?\)/],
  ["an unknown key in a map", `${good}output:\n  ¦maxByte: 1`, /unknown key "maxByte" \(did you mean maxBytes\?\)/],
  ["a key without a value", `${good}¦mode:`, /mode has no value/],
  ["a missing version", "¦name: a\nstrategy: first\neligible: output.valid", /apiVersion is missing/],
  ["a missing name", "¦apiVersion: ogpu-confirmd/v1\nstrategy: first\neligible: output.valid", /name is missing/],
  ["a missing condition", `¦${head}`, /eligible is missing/],
  ["a missing strategy", "¦apiVersion: ogpu-confirmd/v1\nname: a\neligible: output.valid", /strategy is missing/],
  ["another version", "apiVersion: ¦v2\nname: a\nstrategy: first\neligible: output.valid", /apiVersion is "v2"/],
  [
    "a name with capitals",
    "apiVersion: ogpu-confirmd/v1\nname: ¦A b\nstrategy: first\neligible: output.valid",
    /no policy/,
  ],
  ["an unknown mode", `${good}mode: ¦enforced`, /mode is "enforced" \(did you mean enforce\?\)/],
  ["a mode that is a truth value", `${good}mode: ¦true`, /mode is a text \(put it in quotes\)/],
  [
    "best without a score",
    `${head.replace("first", "best").replace("apiV", "¦apiV")}eligible: output.valid`,
    /score is missing/,
  ],
  ["a score for first", `${good}score: ¦"1"`, /score means nothing with strategy first \(it is for best\)/],
  ["a window for first", `${good}window: ¦{ for: 2m }`, /window means nothing with strategy first/],
  [
    "a quorum without a count",
    `${head.replace("first", "quorum")}eligible: output.valid\nquorum: ¦{ key: output.text }`,
    /count is missing/,
  ],
  [
    "a quorum of one",
    `${head.replace("first", "quorum")}eligible: output.valid\nquorum: { count: ¦1, key: output.text }`,
    /from 2 to 100/,
  ],
  [
    "a quorum without a key",
    `${head.replace("first", "quorum")}eligible: output.valid\nquorum: ¦{ count: 2 }`,
    /key is missing/,
  ],
  [
    "a quorum whose key is the same for every answer",
    `${head.replace("first", "quorum")}eligible: output.valid\nquorum: { count: 2, key: ¦task.function }`,
    /quorum.key reads nothing of a response, so that all of them would agree/,
  ],
  [
    "a score of text",
    `${head.replace("first", "best")}eligible: output.valid\nscore: ¦output.text`,
    /score is a number or an amount, and this is of type string/,
  ],
  [
    "a window by the payload",
    `${head.replace("first", "cheapest")}eligible: output.valid\nwindow: { latest: "¦response.submittedAt" }`,
    /window.latest may not use response/,
  ],
  [
    "a window that is no time",
    `${head.replace("first", "cheapest")}eligible: output.valid\nwindow: { latest: "¦task.payment" }`,
    /a time in unix seconds, and this is of type Wei/,
  ],
  ["FIRST_RESPONSE alone", `${good}match: { delivery: ¦[FIRST_RESPONSE] }`, /confirmed by the chain itself/],
  ["a delivery method that is none", `${good}match: { delivery: [¦MANUAL] }`, /unknown delivery method/],
  [
    "payments that nothing can be",
    `${good}match: { payment: { min: "2 OGPU", max: ¦"1 OGPU" } }`,
    /nothing would match/,
  ],
  [
    "a client with a wrong checksum",
    `${good}match: { clients: [¦"${provider.replace("C6", "c6")}"] }`,
    /checksum is wrong/,
  ],
  [
    "a judge that is not declared",
    `${head}eligible: output.valid && ¦signals.quality.score > 0.5`,
    /there is no judge quality/,
  ],
  ["a judge with credentials", `${good}signals: { q: { url: ¦"https://a:b@c.de" } }`, /holds credentials/],
  ["a plug-in that is not there", `${good}plugin: { file: ¦plugins/none.ts }`, /there is no file plugins\/none.ts/],
  ["an alias in a plug-in's options", `${plugin}{ a: &k [x, y], b: ¦*k }`, /options\.b is an alias .*write it out/],
  ["an alias for a plug-in's options", `${good}signals: &k {}\nplugin: { file: p.ts, options: ¦*k }`, /is an alias/],
  ["an option without an end", `${plugin}{ a: { max: [1, ¦.inf] } }`, /options\.a\.max\[1] is \.inf.* in quotes/],
  ["an option that is no number", `${plugin}{ a: ¦.nan }`, /in quotes/],
  [
    "an option too large to be exact",
    `${plugin}{ n: ¦12345678901234567890 }`,
    /read as 12345678901234567000 .*in quotes/,
  ],
  ["an option too fine to be exact", `${plugin}{ n: ¦1.000000000000000001 }`, /would be read as 1 .*in quotes/],
  ["an option too large in hex", `${plugin}{ n: ¦0x20000000000001 }`, /in quotes/],
  ["an option too small", `${plugin}{ n: ¦1e-400 }`, /would be read as 0/],
  ["an option by a number", `${plugin}{ ¦0x10: a }`, /a key of plugin\.options is a text \(put it in quotes\)/],
  ["an option by a list", `${plugin}\n    ? ¦[a]\n    : b`, /a key of plugin\.options is a text/],
  ["a budget above the ceiling", `${good}budget: ¦2s`, /from 1ms to 1s/],
  ["a duration without its unit", `${good}budget: ¦"50"`, /write a number with its unit: 500ms, 5s, 2m, 1h or 1d/],
  ["a duration finer than a millisecond", `${good}budget: ¦0.5ms`, /from 1ms to 1s/],
  [
    "a window above the ceiling",
    `${head.replace("first", "cheapest")}eligible: output.valid\nwindow: { for: ¦31d }`,
    /window\.for is a duration from 1ms to 30d/,
  ],
  ["days in an expression", `${head}eligible: now - response.submittedAt < duration(¦"1d")`, /a number with its unit/],
  ["a schema that leads out", `${good}output: { schema: ¦out.json }`, /only a relative path/],
  ["an unknown strategy", `${head.replace("first", "¦frist")}eligible: output.valid`, /did you mean first\?/],
  ["another onError", `${good}onError: ¦confirm`, /onError is "confirm"/],
  ["a cap that is none", `${good}caps: { ¦perMinute: "1 OGPU" }`, /unknown key "perMinute"/],
  ["an amount without a unit", `${good}caps: { perTask: ¦"0.05" }`, /amount with its unit/],
  ["an amount that is a float", `${good}caps: { perTask: ¦0.05 }`, /amount with its unit .*in quotes/],
  ["an amount that is a large integer", `${good}caps: { perTask: ¦50000000000000000 }`, /amount with its unit/],
  ["a source that YAML reads as a number", `${good}match: { sources: [¦${provider}] }`, /a text \(put it in quotes\)/],
  ["a wrong checksum", `${good}match:\n  sources:\n    - ¦"${provider.replace("C6", "c6")}"`, /checksum is wrong/],
  ["an empty list", `${good}match: { functions: ¦[] }`, /nothing would match/],
  ["a text for a list", `${good}match: { functions: ¦a }`, /match.functions is a list/],
  ["too many bytes", `${good}output: { maxBytes: ¦17MiB }`, /16MiB/],
  ["a size without a unit", `${good}output: { maxBytes: ¦"256" }`, /output.maxBytes/],
  ["a time-out without a unit", `${good}output: { timeout: ¦5 }`, /output.timeout/],
  ["too many retries", `${good}retries: ¦11`, /from 0 to 10/],
  ["no schema file", `${good}output: { schema: ¦schemas/none.json }`, /there is no file schemas\/none.json/],
  ["a schema outside", `${good}output: { schema: ¦../../../../../../etc/passwd }`, /out of the policies folder/],
  ["an absolute schema", `${good}output: { schema: ¦/etc/passwd }`, /absolute/],
  ["a schema that is none", `${good}output: { schema: ¦bad.json }`, /not a usable JSON Schema/],
  ["a schema that is not JSON", `${good}output: { schema: ¦a.yaml }`, /the file is not JSON/],
  ["a schema with a pattern that is no RE2", `${good}output: { schema: ¦pattern.json }`, /not an RE2 pattern/],
  ["an asynchronous schema", `${good}output: { schema: ¦async.json }`, /asynchronous/],
  [
    "a schema that decides nothing",
    `${head}eligible: output.json.a == 1\noutput: { schema: ¦ok.json }`,
    /does not use output.valid/,
  ],
  ["a syntax error at the end", `${head}eligible: output.valid &&¦`, /syntax: Unexpected token: EOF/],
  ["a syntax error", `${head}eligible: output.valid ¦& true`, /syntax: Unexpected character: &/],
  [
    "an unknown fact",
    `${head}eligible: output.valid && ¦outptu.valid`,
    /unknown fact outptu \(did you mean output\?\)/,
  ],
  ["an unknown field", `${head}eligible: output.¦jsn.a == 1`, /output has no field jsn \(did you mean json\?\)/],
  ["an unknown field in has", `${head}eligible: has(¦output.jsn)`, /No such key: jsn/],
  ["an unknown field in quotes", `${head}eligible: "output.¦jsn.a == \\"x\\""`, /did you mean json\?/],
  ["a position after an escape", `${head}eligible: "\\"a\\" == \\"a\\" && ¦outputs.valid"`, /unknown fact outputs/],
  ["a position after a quote", `${head}eligible: '"it''s" == "" && ¦outputs.valid'`, /unknown fact outputs/],
  [
    "a position in a folded block",
    `${head}eligible: >-\n  output.valid &&\n\n  output.¦jsn.a == 1\n`,
    /has no field jsn/,
  ],
  ["a position in a literal block", `${head}eligible: |\n    output.valid &&\n      ¦outputs.valid\n`, /unknown fact/],
  [
    "a position in a plain text of two lines",
    `${head}eligible: output.valid &&\n   output.¦jsn.a == 1\n`,
    /no field jsn/,
  ],
  ["a condition that is none", `${head}eligible: ¦output.text`, /of type string/],
  ["a condition of any type", `${head}eligible: ¦output.json.ok`, /compare it, as in output.json.ok == true/],
  ["an amount against a number", `${head}eligible: ¦response.payment <= 5`, /no such overload: Wei <= int/],
  ["an amount against a document", `${head}eligible: response.payment != ¦output.json.a`, /with an amount only/],
  ["an amount that is none", `${head}eligible: response.payment <= ogpu(¦"5 OGPU")`, /reads a number in quotes/],
  ["wei with a point", `${head}eligible: response.payment <= wei(¦"0.5")`, /reads a number in quotes/],
  ["an address against a document", `${head}eligible: response.provider != ¦task.config.bad`, /address\(…\)/],
  ["an address too short", `${head}eligible: response.provider != ¦"0x12"`, /not an address/],
  ["an address with a wrong checksum in a list", `${head}eligible: response.provider in [¦"0X12"]`, /not an address/],
  ["an address in address()", `${head}eligible: response.provider != address(¦"0x12")`, /not an address/],
  ["a pattern that is no RE2", `${head}eligible: output.text.matches(¦"(?=a)")`, /not an RE2 pattern/],
  ["a pattern out of a document", `${head}eligible: output.text.matches(¦output.json.a)`, /a text in quotes/],
  ["matches as a function", `${head}eligible: ¦matches(output.text, "a")`, /matches is a method/],
  ["a function that is not listed", `${head}eligible: now > 1 && ¦timestamp(1) == 1`, /unknown function timestamp/],
  ["a slip in a function", `${head}eligible: ¦output.text.startWith("a")`, /did you mean startsWith\?/],
  ["a binding", `${head}eligible: ¦cel.bind(x, 1, x == 1)`, /unknown function bind/],
  [
    "three loops inside one another",
    `${head}eligible: siblings.all(a, siblings.all(b, ¦siblings.all(c, a.payment <= b.payment + c.payment)))`,
    /at most 2 loops/,
  ],
  [
    "a slip in a sibling's field",
    `${head}eligible: siblings.all(a, a.¦pay > response.payment)`,
    /sibling has no field pay/,
  ],
  ["a loop over a fact's name", `${head}eligible: output.json.a.all(¦task, task == 1)`, /task is a fact/],
  ["an integer too large", `${head}eligible: now < ¦9223372036854775808`, /an integer ends at/],
];

test.each(broken)("reports %s where it stands", (_what, marked, message) => {
  const offset = marked.indexOf("¦");
  const lines = marked.slice(0, offset).split("\n");
  const problems = problemsOf({
    "a.yaml": marked.replace("¦", ""),
    "p.ts": "export default () => () => ({ verdict: 'eligible' })",
    "ok.json": "{}",
    "bad.json": '{"type": "strin"}',
    "pattern.json": '{"pattern": "(a)\\\\1"}',
    "out.json": '{"$ref": "https://example.org/a.json"}',
    "async.json": '{"$async": true}',
  });
  expect(problems).toHaveLength(1);
  const [{ file, line, column, ...problem } = { file: "", line: 0, column: 0, message: "", hint: "" }] = problems;
  expect(`${file}:${line}:${column}`).toBe(`a.yaml:${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`);
  expect(`${problem.message}${problem.hint && ` (${problem.hint})`}`).toMatch(message);
});

test("a plug-in gets its options as they are written", () => {
  const written = `{ a: [1, -0.5, 1.50, 1e30, 3.141592653589793, 9007199254740991, 0x1F], "0x10": ~, b: { c: "1", d: yes, e: true } }`;
  const [loaded] = loadPolicies(folderOf({ "a.yaml": `${plugin}${written}`, "p.ts": "" })).loaded;
  expect(loaded?.program.plugin?.options).toEqual({
    a: [1, -0.5, 1.5, 1e30, Math.PI, Number.MAX_SAFE_INTEGER, 31],
    "0x10": null,
    b: { c: "1", d: "yes", e: true },
  });
});

test("lists every problem of every file in one error, one a line", () => {
  const folder = folderOf({
    "1.yaml": `${good}mode: on\nretries: -1\n---\n${good}`,
    "2.yml": `${head}eligible: outputs.valid`,
    "notes.txt": "{",
    "tests/ignored.yaml": "{",
  });
  expect(() => loadPolicies(folder)).toThrow(ConfigError);
  const problems = problemsOf({
    "1.yaml": `${good}mode: on\nretries: -1\n---\n${good}`,
    "2.yml": `${head}eligible: outputs.valid`,
  });
  expect(problems.map(({ file, line, column }) => `${file}:${line}:${column}`)).toEqual([
    "1.yaml:5:7",
    "1.yaml:6:10",
    "1.yaml:9:7",
    "2.yml:2:7",
    "2.yml:4:11",
  ]);
});

test("the error is one line a problem, as editors read it, and carries its code", () => {
  const folder = folderOf({ "a.yaml": `${good}modes: shadow` });
  expect(() => loadPolicies(folder)).toThrow(
    expect.objectContaining({
      code: "POLICY_INVALID",
      message: 'a.yaml:5:1: unknown key "modes" (did you mean mode?)',
    }),
  );
});

test("an expression of too many parts, too deep or too long is refused", () => {
  const wide = Array.from({ length: 300 }, () => "now > 1").join(" && ");
  const nested = (depth: number): string => {
    return depth === 0 ? "true" : `siblings.all(s${depth}, ${nested(depth - 1)})`;
  };
  const terms = Array.from({ length: 2_000 }, (_, index) => `now > ${index}`).join(" && ");
  for (const eligible of [
    wide,
    terms,
    nested(4),
    `${"(".repeat(40)}true${")".repeat(40)}`,
    `${"!".repeat(9000)}true`,
    "x".repeat(20_000),
  ]) {
    const started = performance.now();
    expect(problemsOf({ "a.yaml": policyText(eligible) }).length).toBeGreaterThan(0);
    expect(performance.now() - started).toBeLessThan(2_000);
  }
});

test("an empty folder says what to do, and a missing one says so", () => {
  expect(() => loadPolicies(folderOf({}))).toThrow(/there is no policy in this folder \(put a \*\.yaml file there/);
  expect(() => loadPolicies("/nowhere")).toThrow(/cannot be read/);
});

test("a file that is not UTF-8 is refused, not guessed at", () => {
  const folder = folderOf({ "a.yaml": good });
  symlinkSync(process.execPath, join(folder, "b.yaml"));
  expect(() => loadPolicies(folder)).toThrow(/b\.yaml:1:1: the file is (larger|not)/);
});

test("a schema may not be a link out of the folder", () => {
  const outside = folderOf({ "s.json": "{}" });
  const folder = folderOf({ "a.yaml": `${good}output: { schema: s.json }` });
  symlinkSync(join(outside, "s.json"), join(folder, "s.json"));
  expect(() => loadPolicies(folder)).toThrow(/out of the policies folder/);
});

test("policies stand in order of file name, then of document, and the first match is selected", () => {
  const named = (name: string, match: string) => good.replace("name: a", `name: ${name}`) + match;
  const folder = folderOf({
    "20-rest.yaml": named("rest", ""),
    "10-first.yml": `${named("f", "match: { functions: [f, g] }\n")}---\n${named("s", `match: { sources: ["${provider}"] }`)}`,
  });
  const set = loadPolicies(folder);
  expect(set.policies.map(({ name }) => name)).toEqual(["f", "s", "rest"]);
  const [ours, other] = [toAddress(provider), toAddress(`0x${"1".repeat(40)}`)] as const;
  const select = (source: string, functionName?: string) => set.select({ source: source as never, functionName })?.name;
  expect(select(ours, "f")).toBe("f");
  expect(select(ours, "h")).toBe("s");
  expect(select(ours)).toBe("s");
  expect(select(other, "h")).toBe("rest");
});

test("a task whose config could not be read is left alone where a policy before might be meant for it", () => {
  const named = (name: string, match: string) => `${good.replace("name: a", `name: ${name}`)}match: ${match}\n`;
  const set = loadPolicies(
    folderOf({
      "10-ours.yaml": named("ours", `{ sources: ["${provider}"] }`),
      "20-f.yaml": named("f", '{ functions: [f], payment: { min: "1 OGPU" } }'),
      "30-rest.yaml": named("rest", "{}"),
    }),
  );
  const select = (source: string, payment: number, isConfigUnread: boolean) =>
    set.select({ source: toAddress(source), functionName: undefined, payment: ogpu(payment), isConfigUnread })?.name;
  const other = `0x${"1".repeat(40)}`;
  expect(select(provider, 10, true)).toBe("ours");
  expect(select(other, 10, true)).toBeUndefined();
  expect(select(other, 5, true)).toBe("rest");
  expect(select(other, 10, false)).toBe("rest");
});

test("defaults are safe, and what is written is read", () => {
  expect(policyOf("output.valid")).toMatchObject({ mode: "shadow", limits: { maxBytes: 262_144, timeoutMs: 5_000 } });
  const written = policyOf("output.valid", "mode: enforce\noutput: { maxBytes: 1MiB, timeout: 500ms }");
  expect(written).toMatchObject({ mode: "enforce", limits: { maxBytes: 1_048_576, timeoutMs: 500 } });
  expect(policyOf("output.valid", "output: { maxBytes: 1000 }").limits.maxBytes).toBe(1000);
});

test("a window is as many seconds as its duration has, up to 30 days", () => {
  const secondsOf = (span: string) => {
    const text = `${head.replace("first", "cheapest")}eligible: output.valid\nwindow: { for: ${span} }`;
    return loadPolicies(folderOf({ "a.yaml": text })).loaded[0]?.spec.strategy.window?.seconds;
  };
  const spans = ["1ms", "1500 ms", "2m", "1h", "720h", "1d", "30d", "1.5h"];
  expect(spans.map(secondsOf)).toEqual([1, 2, 120, 3_600, 2_592_000, 86_400, 2_592_000, 5_400]);
});

test("the largest payload may be written in any unit of a size", () => {
  const bytesOf = (size: string) => policyOf("output.valid", `output: { maxBytes: ${size} }`).limits.maxBytes;
  expect(["16777216", "16777216B", "16384 KiB", "16MiB"].map(bytesOf)).toEqual(Array(4).fill(16_777_216));
  const above = ["16777217B", "1GiB", "0GiB", "9999999999B"];
  const problems = above.flatMap((size) => problemsOf({ "a.yaml": `${good}output: { maxBytes: ${size} }` }));
  expect(problems.map(({ message }) => message)).toEqual(
    above.map(() => "output.maxBytes is a size from 1 byte to 16MiB"),
  );
});

test("the digest changes with the document and with its schema, and with nothing else", () => {
  const digest = (more: string, schema: string) => policyOf("output.valid", more, { "s.json": schema }).digest;
  const output = "output: { schema: s.json }";
  expect(digest(output, "{}")).toBe(digest(output, "{}"));
  expect(digest(output, "{}")).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set([digest(output, "{}"), digest(output, "{} "), digest("", "{}"), digest("# note", "{}")]).size).toBe(4);
});
