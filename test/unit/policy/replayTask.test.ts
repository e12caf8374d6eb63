import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gatherCandidate } from "../../../src/gatherCandidate.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { judgeTask } from "../../../src/judgeTask.ts";
import type { Output } from "../../../src/payload/payloadPort.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import type { Policy, PolicySet } from "../../../src/policy/policyPort.ts";
import { backtest } from "../../../src/policy/tools/backtest.ts";
import { replayTask } from "../../../src/policy/tools/replayTask.ts";
import type { Bound } from "../../../src/policy/withTooDear.ts";
import {
  type AccountAddress,
  type ResponseAddress,
  type TaskAddress,
  unixSeconds,
  wei,
} from "../../../src/protocol/brand.ts";
import type { Response } from "../../../src/protocol/entities.ts";
import { withCeiling } from "../../../src/withCeiling.ts";
import { address, aResponse, aSnapshot, aTask, fakeChain, headAt, source } from "../../support/fakeChain.ts";
import { folderOf, invalidOutput, outputOf } from "./support.ts";

const published = 1_000;
const expiry = 5_000;
let directory: string;
let journal: Journal;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "replay-"));
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
});
afterAll(async () => {
  await journal.close();
  rmSync(directory, { recursive: true });
});

type Offer = { readonly at: number; readonly price: number; readonly by: number; readonly says: string };
type World = { readonly task: TaskAddress; readonly responses: readonly Response[]; readonly maxPayment: bigint };

const unreachable = "unreachable";
let worlds = 0;
/** Responses of a task of its own, each of which says what it is meant to by its data. */
function worldOf(offers: readonly Offer[], maxPayment = 100): World {
  const number = ++worlds * 0x100;
  const task = address<TaskAddress>(number);
  const responses = offers.map(({ at, price, by, says }, index) =>
    aResponse({
      ...{ task, address: address<ResponseAddress>(number + index + 1), data: says },
      ...{ provider: address<AccountAddress>(0xf0 + by), payment: wei(BigInt(price)) },
      submittedAt: unixSeconds(published + at),
    }),
  );
  return { task, responses, maxPayment: BigInt(maxPayment) };
}

const outputs = (data: string): Output =>
  data === unreachable
    ? invalidOutput("no route to its host", true)
    : { ...outputOf({ label: data }), digest: data, bytes: 20 };
const payload = { fetch: async (data: string) => (data === "{}" ? outputOf({}) : outputs(data)) };
const policyOf = (text: string): PolicySet => {
  const head = "apiVersion: ogpu-confirmd/v1\nname: a\nmode: enforce\n";
  return loadPolicies(folderOf({ "a.yaml": `${head}${text}\n` }));
};
const chainAt = ({ task, responses }: World, now: number) =>
  fakeChain({
    snapshot: async () =>
      aSnapshot({
        block: headAt(BigInt(now), { timestamp: unixSeconds(now) }),
        task: aTask({ address: task, expiryTime: unixSeconds(expiry) }),
        // In the order of the journal's list, as the chain is asked.
        responses: responses.filter(({ submittedAt }) => submittedAt <= now),
      }),
    providerStakes: async (providers) =>
      // Two providers of one master, and one that has no stake.
      providers.map((provider) => ({
        lockup: wei(BigInt(provider.at(-1) ?? "0") % 3n),
        eligible: true,
        master: address<AccountAddress>(provider.endsWith("0") || provider.endsWith("1") ? 0xe0 : Number(provider)),
      })),
    block: async (number) => headAt(number, { timestamp: unixSeconds(published) }),
  });

/** What the daemon pays: it looks when a response comes, and when it said that it would look again. */
async function lived(set: PolicySet, world: World): Promise<string | undefined> {
  const { task, responses, maxPayment } = world;
  await journal.intake({ tasks: [{ task, source, block: 7n }], responses: [], touched: [] });
  const times = new Set(responses.map(({ submittedAt }) => Number(submittedAt)));
  for (let looks = 0; times.size > 0; looks++) {
    if (looks > 200) throw new Error("the daemon looks for ever");
    const now = Math.min(...times);
    times.delete(now);
    const here = responses.filter(({ submittedAt }) => submittedAt <= now);
    await journal.intake({
      tasks: [],
      responses: here.map((each) => ({ response: each.address, task })),
      touched: [task],
    });
    const { intent, againInMs } = await judgeTask(
      {
        ...{ chain: chainAt(world, now), journal, isWatched: async () => true, payload, policies: set },
        ...{ clock: { now: () => now * 1_000, scheduler: undefined as never }, report: () => undefined },
      },
      { maxPayment: wei(maxPayment), dryRun: false },
      task,
    );
    if (intent) return intent.response;
    if (againInMs !== undefined) times.add(now + Math.ceil(againInMs / 1_000));
  }
  return undefined;
}

/** What a backtest says of the same. */
async function replayed(set: PolicySet, world: World): Promise<string | undefined> {
  const { rows } = await backtest([{ ...(await pastOf(set, world)), did: undefined }], { bound: boundOf(world) });
  return rows[0]?.would?.response;
}

const boundOf =
  ({ maxPayment }: World): Bound =>
  (verdict, response, caps) =>
    withCeiling(verdict, response, { maxPayment: wei(maxPayment) }, caps, "document");

async function pastOf(set: PolicySet, world: World) {
  const [policy] = set.policies as readonly [Policy];
  const chain = chainAt(world, expiry);
  const snapshot = await chain.snapshot(world.task, source, []);
  const record = { seenBlock: 7n, verdicts: [] } as never;
  const gathered = { record, snapshot, config: outputOf({}) };
  return {
    policy,
    candidate: await gatherCandidate({ chain, journal, payload }, policy, gathered, snapshot.responses),
  };
}

const noCopy = "!siblings.exists(s, s.digest == output.digest && s.submittedAt < response.submittedAt)";
const policies: readonly (readonly [what: string, text: string])[] = [
  ["first", "strategy: first\neligible: output.json.label in ['x', 'y']"],
  ["first that wants a stake and no copy", `strategy: first\neligible: provider.lockup > wei("0") && ${noCopy}`],
  ["first that tries once", "strategy: first\nretries: 1\neligible: output.valid"],
  ["cheapest", "strategy: cheapest\neligible: output.json.label != 'z'\nwindow: { for: 20s }"],
  [
    "cheapest without copies",
    `strategy: cheapest\neligible: output.valid && ${noCopy}\nwindow: { for: 20s }\ncaps: { perHour: "5 wei" }`,
  ],
  ["cheapest that holds a tie", "strategy: cheapest\nties: hold\neligible: output.valid\nwindow: { for: 20s }"],
  ["best", "strategy: best\nscore: provider.lockup\neligible: output.valid\nwindow: { for: 20s, from: published }"],
  [
    "best that holds a tie",
    "strategy: best\nties: hold\nscore: output.bytes\neligible: output.valid\nwindow: { for: 20s }",
  ],
  [
    "quorum",
    "strategy: quorum\nquorum: { count: 2, key: output.json.label, pick: cheapest }\neligible: output.valid\nwindow: { for: 30s }",
  ],
  [
    "quorum that goes on without",
    "strategy: quorum\nquorum: { count: 2, key: output.json.label, without: first, decide: closed }\neligible: output.valid\nwindow: { for: 30s }",
  ],
  ["manual", "strategy: manual\neligible: output.valid"],
];

const runs = 40;
const offer = fc.record({
  at: fc.nat(40),
  price: fc.integer({ min: 1, max: 6 }),
  by: fc.nat(3),
  says: fc.constantFrom("x", "x", "y", "z", unreachable),
});

test.each(policies)("a backtest of %s pays whom the daemon pays, whatever comes when", async (_what, text) => {
  const set = policyOf(text);
  await fc.assert(
    fc.asyncProperty(
      fc.array(offer, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 3, max: 6 }),
      async (offers, maxPayment) => {
        const world = worldOf(offers, maxPayment);
        const paid = await lived(set, world);
        expect(await replayed(set, world)).toBe(paid);
      },
    ),
    { numRuns: runs },
  );
});

const paidIn = async (text: string, offers: readonly Offer[], maxPayment?: number): Promise<number | undefined> => {
  const world = worldOf(offers, maxPayment);
  const paid = await replayed(policyOf(text), world);
  const index = world.responses.findIndex((each) => each.address === paid);
  return index < 0 ? undefined : index;
};

test("a copy of what was rejected is known as one", async () => {
  const text = `strategy: first\neligible: provider.lockup > wei("0") && ${noCopy}`;
  const [poor, rich] = [
    { at: 0, price: 1, by: 0, says: "x" },
    { at: 5, price: 1, by: 2, says: "x" },
  ];
  expect(await paidIn(text, [poor, rich])).toBeUndefined();
  expect(await paidIn(text, [poor, { ...rich, says: "y" }])).toBe(1);
});

test("what never comes is waited for as often as the policy says, and no more", async () => {
  const looks: number[] = [];
  const set = policyOf("strategy: first\nretries: 2\neligible: output.valid");
  const { policy, candidate } = await pastOf(set, worldOf([{ at: 0, price: 1, by: 0, says: unreachable }]));
  const counted: Policy = {
    ...policy,
    judge: (seen) => {
      looks.push(seen.now - published);
      return policy.judge(seen);
    },
  };
  expect(await replayTask(counted, candidate)).toMatchObject([{ kind: "hold", reason: /no route/ }]);
  expect(looks).toEqual([0, 5, 15]);
});

test("whoever asks more than a ceiling has a vote in a quorum all the same, and is not the one who is paid", async () => {
  const text = (more: string) =>
    `strategy: quorum\nquorum: { count: 3, key: output.json.label, ${more} }\neligible: output.valid\nwindow: { for: 30s }`;
  const [dear, cheap, dissent] = [
    { at: 0, price: 6, by: 1, says: "x" },
    { at: 1, price: 4, by: 2, says: "x" },
    { at: 2, price: 1, by: 0, says: "y" },
  ];
  const offers = [dear, cheap, dissent, { ...cheap, at: 3, by: 3, price: 3 }];
  expect(await paidIn(text("pick: first"), offers)).toBe(0);
  expect(await paidIn(text("pick: first"), offers, 5)).toBe(1);
  expect(await paidIn(text("pick: cheapest"), offers, 5)).toBe(3);
  // Where no ceiling lets any of them pass, it is a person's, and not the one's who says something else.
  expect(await paidIn(text("without: cheapest"), offers, 2)).toBeUndefined();
});

test("what costs more than a ceiling is held, and the next one is paid", async () => {
  const offers = [
    { at: 0, price: 6, by: 0, says: "x" },
    { at: 0, price: 4, by: 1, says: "y" },
  ];
  expect(await paidIn("strategy: first\neligible: output.valid", offers)).toBe(0);
  expect(await paidIn("strategy: first\neligible: output.valid", offers, 5)).toBe(1);
  expect(await paidIn('strategy: first\ncaps: { perDay: "5 wei" }\neligible: output.valid', offers)).toBe(1);
  expect(await paidIn("strategy: first\neligible: output.valid", offers, 3)).toBeUndefined();
});
