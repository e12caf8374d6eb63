import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Decision, Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import { checksummed, type ResponseAddress, type TaskAddress } from "../../../src/protocol/brand.ts";
import { cli } from "../../support/cli.ts";
import { address, hashOf, source } from "../../support/fakeChain.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";
import { candidateOf, ogpu, outputOf, provider, responseOf } from "../policy/support.ts";

const task = address<TaskAddress>(0xa1);
const [dear, cheap, late] = [0xb1, 0xb2, 0xb3].map((digits) => address<ResponseAddress>(digits)) as [
  ResponseAddress,
  ResponseAddress,
  ResponseAddress,
];
let cwd: string;
let path: string;
let journal: Journal;

beforeEach(async () => {
  cwd = temporaryFolder("explain-");
  path = join(cwd, "journal.sqlite");
  journal = openSqliteJournal({ path, chainId: 1071 });
  await journal.intake({
    tasks: [{ task, source }],
    responses: [dear, cheap, late].map((response) => ({ response, task })),
    touched: [],
  });
});
afterEach(() => journal.close());

const explain = (...words: readonly string[]) =>
  cli(["policy", "explain", ...words, "--network", "mainnet", "--journal-path", path], { cwd });

function writePolicy(eligible: string) {
  const file = `name: a\nmode: enforce\nstrategy: cheapest\neligible: ${eligible}\nwindow: { for: 1h }\n`;
  writeFileSync(join(cwd, "policies", "a.yaml"), `apiVersion: ogpu-confirmd/v1\n${file}`);
}

/** Two that wait for the window, then the cheaper one is paid: all that a daemon writes down of the other is that it waited. */
async function decideOnTwo(eligible = "output.json.count == 3", output = outputOf({ count: 3 })) {
  mkdirSync(join(cwd, "policies"), { recursive: true });
  writePolicy(eligible);
  const [policy] = loadPolicies(join(cwd, "policies")).policies;
  const offers = [dear, cheap].map((each, index) =>
    responseOf(index + 1, { output, response: { address: each, payment: ogpu(5 - index) } }),
  );
  for (const now of [1_000, 5_000]) {
    const candidate = candidateOf(offers, { now: now as never, task: { expiryTime: 100_000 } });
    const verdicts = (await policy?.judge(candidate)) ?? [];
    const basis = { task, block: { number: 1n, hash: hashOf(1) }, payloadDigest: "d", responseDigest: "r" };
    await journal.decide(
      verdicts.map((verdict): Decision => ({ ...verdict, ...basis, payment: ogpu(5) })),
      now,
    );
  }
}

it("explains what lost a comparison, of which the journal has nothing but that it waited", async () => {
  await decideOnTwo();
  const { out } = await explain(checksummed(dear));
  expect(out).toMatch(/^decision 1: wait \(enforce\) by a\n {2}a cheaper one may come\n/);
  expect(out).toMatch(/output\.json\.count == 3 {2}→ {2}true/);
  expect((await explain(cheap)).out).toMatch(/^decision 3: confirm/);
});

it("explains by the file of today what was recorded, and says so where it is not that file which decided", async () => {
  await decideOnTwo();
  writePolicy("output.json.count == 4");
  const { out } = await explain(dear);
  expect(out).toMatch(/The file of a has changed since: this is what it says today\.\n\n.*reject/);
  expect(out).toMatch(/output\.json\.count == 4 {2}→ {2}false/);
});

it.each([
  ["the document", "output.json.count == 3"],
  ["the text", "output.text.contains('3')"],
  ["a stake", "provider.lockup > wei('1')"],
  ["a history", "provider.rejected == 0"],
  ["the others", "!siblings.exists(s, s.digest == output.digest)"],
  ["the config", "task.function == 'f' && task.config.x == 1"],
])("explains nothing by a file of today that reads %s, where the one of then did not", async (_what, eligible) => {
  await decideOnTwo("output.valid");
  writePolicy(`output.valid && ${eligible}`);
  const { out } = await explain(dear);
  expect(out).toMatch(
    /The file of a has changed since, and reads today what was not recorded then; the facts of then:\n\{/,
  );
  expect(out).not.toMatch(/of this response alone|reject|hold/);
});

it.each([
  [
    "a condition",
    "output.json.text != 'x'",
    /output\.json\.text != 'x' {2}→ {2}true\n.*output\.json\.text {2}→ {2}"fine 2J "\n/,
  ],
  ["a plug-in", "output.valid\nplugin: { file: p.js }", /^of this response alone: eligible: fine 2J \n/m],
])("gives a terminal nothing to obey that a stranger wrote, under %s", async (_what, eligible, shown) => {
  mkdirSync(join(cwd, "policies"));
  const plugin = "export default () => ({ output }) => ({ verdict: 'eligible', reason: output.json.text });";
  writeFileSync(join(cwd, "policies", "p.js"), plugin);
  await decideOnTwo(eligible, outputOf({ text: "fine\u202e\u009b2J\u0085\u2028" }));
  for (const response of [dear, cheap]) {
    const { out } = await explain(response);
    expect(out).toMatch(shown);
    expect(out).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
  }
});

it("prints JSON of every decision, also of one without facts", async () => {
  await decideOnTwo();
  expect(JSON.parse((await explain(dear, "--json")).out)).toMatchObject({ output: { json: { count: 3 } } });
  const basis = { block: { number: 1n, hash: hashOf(1) }, payloadDigest: "", responseDigest: "r", payment: ogpu(5) };
  const held = {
    kind: "hold",
    reason: "no",
    until: undefined,
    policy: "a",
    policyDigest: "d",
    mode: "enforce",
  } as const;
  await journal.decide([{ ...held, ...basis, task, response: late }], 9);
  expect(JSON.parse((await explain(late, "--json")).out)).toBeNull();
});

const refused: readonly (readonly [what: string, words: readonly string[], message: RegExp])[] = [
  ["what is no address", ["0x12"], /the response "0x12" is not an address/],
  ["an address with a slip", [provider.replace("C6", "c6")], /the response .* has a wrong checksum/],
  ["neither", [], /write policy explain RESPONSE/],
  ["a task", [task], /is a task .*ogpu-confirmd responses 0x/],
  [
    "a response that nothing was decided about",
    [late],
    /nothing was decided about .*: its task .* is open .*policy list/,
  ],
  ["one that nobody knows", [address(0xff)], /the journal has no decision about .*held list/],
  ["a decision that is not there", ["--decision", "7"], /the journal has no decision 7 .*held list/],
  ["a decision that is no number", ["--decision", "0"], /--decision is the number of a decision, not "0"/],
];

it.each(refused)("refuses %s, and says why", async (_what, words, message) => {
  const { code, out, err } = await explain(...words);
  expect([code === 0, out]).toEqual([false, ""]);
  expect(err.replaceAll("\n", " ")).toMatch(message);
});
