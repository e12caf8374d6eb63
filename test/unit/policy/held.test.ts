import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Snapshot } from "../../../src/chain/chainPort.ts";
import { RetryableError } from "../../../src/errors.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { judgeTask } from "../../../src/judgeTask.ts";
import type { Output } from "../../../src/payload/payloadPort.ts";
import type { Evaluator } from "../../../src/policy/evaluator.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import { loadPolicySet } from "../../../src/policy/loadPolicySet.ts";
import { createNearEvaluator } from "../../../src/policy/nearEvaluator.ts";
import type { PolicySet } from "../../../src/policy/policyPort.ts";
import { createWorkerEvaluator } from "../../../src/policy/worker/workerEvaluator.ts";
import {
  type AccountAddress,
  type ResponseAddress,
  unixSeconds,
  wei,
  zeroAddress,
} from "../../../src/protocol/brand.ts";
import { ResponseStatus } from "../../../src/protocol/statuses.ts";
import type { Report } from "../../../src/report.ts";
import { address, aResponse, aSnapshot, fakeChain, headAt, response, source, task } from "../../support/fakeChain.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";
import { folderOf } from "./support.ts";

const second = address<ResponseAddress>(0x3b);
const provider = aResponse().provider;
let directory: string;
let journal: Journal;
let reports: Report[];
let fetched: string[];

beforeEach(async () => {
  directory = temporaryFolder("held-");
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
  reports = [];
  fetched = [];
  await journal.intake({ tasks: [{ task, source, block: 7n }], responses: [{ response, task }], touched: [] });
});
afterEach(() => journal.close());

const policies = (more: string, mode = "enforce"): PolicySet =>
  loadPolicies(folderOf({ "a.yaml": `apiVersion: ogpu-confirmd/v1\nname: a\nmode: ${mode}\n${more}\n` }));
const output: Output = {
  ...{ valid: true, json: { ok: 1 }, text: '{"ok":1}', bytes: 8, cidVerified: false, error: "" },
  ...{ transient: false, digest: "d0" },
};
const look = (set: PolicySet, snapshot: Snapshot = aSnapshot(), maxPayment = 1_000n, dryRun = false) =>
  judgeTask(
    {
      chain: fakeChain({
        snapshot: async () => snapshot,
        providerStakes: async (asked) =>
          asked.map(() => ({ lockup: wei(5n), eligible: true, master: zeroAddress as AccountAddress })),
        block: async (number) => headAt(number, { timestamp: unixSeconds(300) }),
      }),
      journal,
      isWatched: async () => true,
      payload: {
        fetch: async (data) => {
          fetched.push(data);
          return output;
        },
      },
      policies: set,
      clock: { now: () => 7, scheduler: undefined as never },
      report: (report) => void reports.push(report),
    },
    { maxPayment: wei(maxPayment), dryRun },
    task,
  );
const at = (timestamp: number, responses = [aResponse()]) =>
  aSnapshot({ block: headAt(100n, { timestamp: unixSeconds(timestamp) }), responses });
const manual = "strategy: manual\neligible: output.valid";
const answer = (kind: "approve" | "reject" | "expire", verdictId: number) =>
  journal.answerHeld({ verdictId, kind, who: "alice", why: "read it" }, 9);
const heldId = async () => (await journal.held())[0]?.id ?? 0;

test("an approval becomes one intent to pay, at the next look, with who and why", async () => {
  const set = policies(manual);
  expect(await look(set)).toEqual({ intent: undefined });
  expect(await journal.held()).toMatchObject([{ response, kind: "hold", reason: "eligible: a person decides" }]);
  await answer("approve", await heldId());
  expect(await journal.answeredTasks()).toEqual([task]);
  expect(await journal.held()).toEqual([]);
  const { intent } = await look(set);
  expect(intent).toMatchObject({ response, state: "intended" });
  expect(await journal.decision(intent?.verdictId ?? 0)).toMatchObject({
    ...{ reason: "approved by alice: read it", payloadDigest: output.digest, decidedAt: 7 },
  });
  expect(reports.at(-1)).toMatchObject({ type: "verdict", decision: { kind: "confirm", response }, intent });
  expect(await journal.answeredTasks()).toEqual([]);
  expect(await look(set)).toEqual({});
  expect(await journal.unsettled()).toHaveLength(1);
});

test("an approval of what has changed since is held again, for the same as before", async () => {
  const set = policies(manual);
  await look(set);
  await answer("approve", await heldId());
  expect((await look(set, at(1_000, [aResponse({ payment: wei(70n) })]))).intent).toBeUndefined();
  const [judged, again] = (await journal.decisions(0)).toReversed();
  expect(again).toMatchObject({
    kind: "hold",
    reason: "the response is not the one that was held",
    waitsFor: "window",
    payment: 80n,
  });
  expect(judged).toMatchObject({ kind: "hold", reason: "eligible: a person decides", payment: 70n });
});

test("an approval of what was confirmed meanwhile pays nothing", async () => {
  const set = policies(manual);
  await journal.intake({ tasks: [], responses: [{ response: second, task }], touched: [] });
  await look(set);
  await answer("approve", await heldId());
  const responses = [aResponse({ status: ResponseStatus.CONFIRMED }), aResponse({ address: second })];
  expect((await look(set, at(1_000, responses))).intent).toBeUndefined();
  expect(await journal.unsettled()).toEqual([]);
});

test("a refusal of what a policy held whose file is gone is a refusal all the same", async () => {
  await look(policies(manual));
  await answer("reject", await heldId());
  await look({ policies: [], select: () => undefined });
  expect((await journal.decisions(0)).at(-1)).toMatchObject({ kind: "reject", reason: "rejected by alice: read it" });
});

test("two approvals of one task are both carried out where neither pays", async () => {
  const set = policies(manual, "shadow");
  await approveBoth(set);
  expect((await look(set, both)).intent).toBeUndefined();
  expect((await journal.task(task))?.answers).toEqual([]);
});

const both = at(1_000, [aResponse(), aResponse({ address: second })]);
async function approveBoth(set: PolicySet, snapshot = both): Promise<void> {
  await journal.intake({ tasks: [], responses: [{ response: second, task }], touched: [] });
  await look(set, snapshot);
  for (const { id } of await journal.held()) await answer("approve", id);
}

test.each(["rejected", "cancelled"] as const)(
  "of two approvals of one task the second is carried out once the first is %s, and not before",
  async (state) => {
    const set = policies(manual);
    await approveBoth(set);
    const { intent } = await look(set, both);
    expect(intent).toMatchObject({ response, state: "intended" });
    expect(await look(set, both)).toEqual({});
    expect((await journal.task(task))?.answers).toMatchObject([{ response: second }]);
    await journal.changeConfirmation(intent?.id ?? 0, { state, reason: "NotEligible" });
    expect(await journal.answeredTasks()).toEqual([task]);
    expect((await look(set, both)).intent).toMatchObject({ response: second, state: "intended" });
    expect((await journal.task(task))?.answers).toEqual([]);
  },
);

test("an approval that is left over when another one of its task is paid waits for nobody", async () => {
  const set = policies(manual);
  await approveBoth(set);
  const { intent } = await look(set, both);
  expect(await journal.answeredTasks()).toEqual([]);
  await journal.changeConfirmation(intent?.id ?? 0, { state: "final" });
  expect([await journal.held(), await journal.answeredTasks(), (await journal.figures()).held]).toEqual([[], [], 0]);
});

test("of two approvals of one task the second is carried out at once where a ceiling holds the first", async () => {
  const set = policies(manual);
  const dear = at(1_000, [aResponse(), aResponse({ address: second, payment: wei(50n) })]);
  await approveBoth(set, dear);
  expect((await look(set, dear, 79n)).intent).toMatchObject({ response: second, payment: 50n });
  expect((await journal.task(task))?.answers).toEqual([]);
});

test("an answer counts once, and only for what is held", async () => {
  await look(policies(manual));
  const id = await heldId();
  await answer("reject", id);
  await expect(answer("approve", id)).rejects.toThrow(/not held/);
  await expect(answer("approve", 99)).rejects.toThrow(/not held/);
  expect(await look(policies(manual))).toEqual({ intent: undefined });
  expect((await journal.task(task))?.verdicts).toMatchObject([
    { kind: "reject", reason: "rejected by alice: read it" },
  ]);
});

const first = "strategy: first\neligible: output.valid";
const dryLook = (set: PolicySet) => look(set, aSnapshot(), 1_000n, true);

test.each([
  ["reject", "rejected"],
  ["expire", "expired"],
] as const)("%s is a person's word, and binds, though a dry run carries it out", async (kind, said) => {
  await look(policies(manual));
  await answer(kind, await heldId());
  await dryLook(policies(manual));
  expect((await journal.task(task))?.verdicts).toMatchObject([
    { kind: "reject", mode: "enforce", reason: `${said} by alice: read it` },
  ]);
  for (const set of [policies(manual), policies(first)]) expect((await look(set)).intent).toBeUndefined();
  expect(await journal.held()).toEqual([]);
});

test("a rejection of what a shadow policy held binds the policy that pays", async () => {
  const shadow = policies(manual, "shadow");
  await look(shadow);
  await answer("reject", await heldId());
  await look(shadow);
  expect((await look(policies(first))).intent).toBeUndefined();
});

test("an approval that a dry run carries out is judged anew by the policy that pays", async () => {
  await look(policies(manual));
  await answer("approve", await heldId());
  expect((await dryLook(policies(manual))).intent).toBeUndefined();
  expect((await journal.task(task))?.verdicts).toMatchObject([{ kind: "confirm", mode: "shadow" }]);
  expect((await look(policies(first))).intent).toMatchObject({ response });
});

test("an approval of what a policy held whose file is gone since the start is held again, and says what to do", async () => {
  await look(policies(manual));
  await answer("approve", await heldId());
  const renamed = policies(manual).policies.map((policy) => ({ ...policy, name: "b" }));
  expect((await look({ policies: renamed, select: () => undefined })).intent).toBeUndefined();
  const reason =
    'its policy "a" is not in force, and nobody knows its ceilings: bring its file back, or pay it by hand (ogpu-confirmd confirm); approved by alice: read it';
  expect(await journal.held()).toMatchObject([{ kind: "hold", policy: "a", reason, waitsFor: "window" }]);
  await answer("approve", await heldId());
  expect((await look(policies(manual))).intent).toMatchObject({ response });
});

test("an approval pays only the very response that was held, and nothing above the ceiling", async () => {
  await look(policies(manual));
  await answer("approve", await heldId());
  expect((await look(policies(manual), at(1_000, [aResponse({ payment: wei(99n) })]))).intent).toBeUndefined();
  expect(await journal.held()).toMatchObject([{ kind: "hold", reason: "eligible: a person decides" }]);
  await answer("approve", await heldId());
  expect((await look(policies(manual), at(1_000, [aResponse({ payment: wei(99n) })]), 98n)).intent).toBeUndefined();
  expect((await journal.held())[0]?.reason).toMatch(/above sink.maxPayment/);
});

test("an approval of what no hour has room for meets the same ceiling, as long as the policy's file gives it", async () => {
  const capped = policies(`${manual}\ncaps: { perHour: 50 wei }`);
  await look(capped);
  await answer("approve", await heldId());
  expect((await look(capped)).intent).toBeUndefined();
  const [again] = await journal.held();
  const reason = expect.stringMatching(/above caps\.perHour of a \(.*\): approved by alice: read it$/);
  expect(again).toMatchObject({ reason, waitsFor: "window" });
  await answer("approve", await heldId());
  expect((await look(policies(manual))).intent).toMatchObject({ response, payment: 80n });
});

test("an approval of what costs more than the policy's caps.perTask allows by then is held again, and names it", async () => {
  await look(policies(manual));
  await answer("approve", await heldId());
  expect((await look(policies(`${manual}\ncaps: { perTask: 79 wei }`))).intent).toBeUndefined();
  const [again] = await journal.held();
  expect(again?.reason).toMatch(/above caps\.perTask of a \(.*\): approved by alice: read it$/);
  await answer("approve", again?.id ?? 0);
  expect((await look(policies(`${manual}\ncaps: { perTask: 80 wei }`))).intent).toMatchObject({ payment: 80n });
});

test("a strategy that compares is given every undecided response at each new one, and says nothing twice", async () => {
  const set = policies("strategy: cheapest\neligible: output.valid\nwindow: { for: 200s, latest: task.expiry }");
  expect(await look(set)).toMatchObject({ againInMs: 100_000 });
  expect(await look(set)).toMatchObject({ againInMs: 100_000 });
  await journal.intake({ tasks: [], responses: [{ response: second, task }], touched: [] });
  const both = [aResponse(), aResponse({ address: second, payment: wei(50n), submittedAt: unixSeconds(1_000) })];
  await look(set, at(1_050, both));
  expect(reports.map(({ type }) => type)).toEqual(["verdict", "verdict"]);
  const { intent } = await look(set, at(1_100, both));
  expect(intent?.response).toBe(second);
  expect((await journal.task(task))?.verdicts.every(({ waits: count }) => count === 0)).toBe(true);
});

test("what a stop leaves unevaluated is held for nobody: nothing is journalled, and the next start's look pays", async () => {
  const plugin = 'export default () => () => ({ verdict: "eligible" });\n';
  const yaml = "apiVersion: ogpu-confirmd/v1\nname: a\nmode: enforce\nstrategy: first\nplugin: { file: p.js }\n";
  const lookBeside = async (stop: (evaluator: Evaluator) => Promise<void>) => {
    const evaluator = createNearEvaluator(createWorkerEvaluator({ threads: 1 }));
    const set = await loadPolicySet(folderOf({ "a.yaml": yaml, "p.js": plugin }), { evaluator });
    await stop(evaluator);
    return look(set).finally(() => evaluator.close());
  };
  await expect(lookBeside((evaluator) => evaluator.close())).rejects.toBeInstanceOf(RetryableError);
  expect((await journal.task(task))?.verdicts).toEqual([]);
  expect((await lookBeside(async () => undefined)).intent).toMatchObject({ response });
});

test("a changed policy looks at once at what waits, says so, and leaves alone what is decided", async () => {
  const slow = "strategy: cheapest\neligible: output.valid\nwindow: { for: 1h }";
  await look(policies(slow));
  await look(policies(manual));
  expect(reports).toContainEqual({ type: "policy-changed", task, response, before: "a", policy: "a" });
  expect(await journal.held()).toHaveLength(1);
  expect(await look(policies("strategy: first\neligible: output.valid"))).toEqual({ intent: undefined });
  expect(await journal.held()).toHaveLength(1);
});

test("a window may count from the publication: the block in which the task was seen", async () => {
  const more = "window: { from: published, for: 10m, latest: task.expiry }";
  expect(await look(policies(`strategy: cheapest\neligible: output.valid\n${more}`), at(899))).toMatchObject({
    againInMs: 1_000,
  });
});

test("payloads and stakes are read only where the policy asks for them; its facts are kept for replay", async () => {
  const { intent } = await look(
    policies('strategy: first\neligible: provider.lockup >= wei("5") && provider.seen == 0'),
  );
  expect(fetched).toEqual(["{}"]);
  const decision = await journal.decision(intent?.verdictId ?? 0);
  expect(JSON.parse(decision?.factsJson ?? "")).toMatchObject({
    provider: { lockup: "5", seen: 0 },
    output: { json: null },
  });
  expect(decision?.factsDigest).toMatch(/^[0-9a-f]{64}$/);
  expect((await journal.providerHistory([provider])).get(provider)).toEqual({
    ...{ seen: 1, approved: 1, rejected: 0, price: 80n },
  });
});
