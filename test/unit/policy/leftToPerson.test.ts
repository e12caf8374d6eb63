import { afterEach, beforeEach, expect, it } from "vitest";
import type { Journal } from "../../../src/journal/journal.ts";
import type { HeldAnswer } from "../../../src/journal/policyJournal.ts";
import { type JudgeOptions, judgeTask } from "../../../src/judgeTask.ts";
import { createPayload } from "../../../src/payload/createPayload.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import type { Policy, PolicySet } from "../../../src/policy/policyPort.ts";
import { replayTask } from "../../../src/policy/tools/replayTask.ts";
import { type AccountAddress, type ResponseAddress, unixSeconds, wei } from "../../../src/protocol/brand.ts";
import type { Response } from "../../../src/protocol/entities.ts";
import {
  address,
  aResponse,
  aSnapshot,
  aSource,
  aTask,
  fakeChain,
  headAt,
  source,
  task,
} from "../../support/fakeChain.ts";
import { describeJournals, type JournalPlace } from "../../support/journals.ts";
import { folderOf, outputOf } from "./support.ts";

type Answer = { readonly label?: string; readonly score?: number; readonly price?: bigint; readonly at?: number };

/** Response number `id`, of a provider with a master of its own. */
const responseOf = (id: number, { label = "x", score = 1, price = 50n, at = 900 }: Answer): Response =>
  aResponse({
    address: address<ResponseAddress>(0x3000 + id),
    provider: address<AccountAddress>(0x5000 + id),
    data: JSON.stringify({ label, score }),
    payment: wei(price),
    submittedAt: unixSeconds(at),
  });
const idOf = (response: ResponseAddress) => Number(response) - 0x3000;

const policies = (strategy: string, mode = "enforce"): PolicySet => {
  const head = `apiVersion: ogpu-confirmd/v1\nname: a\nmode: ${mode}\neligible: output.valid\n`;
  return loadPolicies(folderOf({ "a.yaml": `${head}${strategy}\n` }));
};
const window = "window: { for: 1m }\n";
const cheapest = `${window}strategy: cheapest\nties: hold`;
const best = `${window}strategy: best\nscore: output.json.score\nties: hold`;
const quorum = `${window}strategy: quorum\nquorum: { count: 3, key: output.json.label }`;
const late = "eligible, and came while a person decides between others of this task";

describeJournals("what a comparison holds", (journals, kind) => {
  let place: JournalPlace;
  let journal: Journal;
  beforeEach(async () => {
    place = await journals.place();
    journal = await place.open();
    await journal.intake({ tasks: [{ task, source }], responses: [], touched: [] });
  });
  afterEach(async () => {
    await journal.close();
    await place.remove();
  });

  const look = async (
    set: PolicySet,
    second: number,
    responses: readonly Response[],
    options?: Partial<JudgeOptions>,
  ) => {
    await journal.intake({
      tasks: [],
      responses: responses.map((each) => ({ response: each.address, task })),
      touched: [],
    });
    const block = headAt(BigInt(second), { timestamp: unixSeconds(second) });
    const chain = fakeChain({
      snapshot: async () => aSnapshot({ block, responses }),
      providerStakes: async (asked) =>
        asked.map((each) => ({
          ...{ lockup: wei(0n), eligible: true },
          master: address<AccountAddress>(Number(each) + 0x1000),
        })),
    });
    const deps = {
      ...{ chain, journal, policies: set, isWatched: async () => true, report: () => undefined },
      payload: createPayload({ gateways: [], allowHosts: [] }),
      clock: { now: () => second * 1_000, scheduler: undefined as never },
    };
    const { intent } = await judgeTask(deps, { maxPayment: wei(1_000n), dryRun: false, ...options }, task);
    return intent && idOf(intent.response);
  };
  /** Those that are held, each with why. */
  const held = async () => (await journal.held()).map(({ response, reason }) => `${idOf(response)}: ${reason}`);
  const answer = async (said: HeldAnswer["kind"], ...ids: readonly number[]) => {
    for (const { id, response } of await journal.held()) {
      if (!ids.includes(idOf(response))) continue;
      await journal.answerHeld({ verdictId: id, kind: said, who: "ann", why: "so" }, 1);
    }
  };

  const answers = (from: number, given: readonly Answer[]) =>
    given.map((each, index) => responseOf(from + index, each));
  /** Two that ask the same lowest price, and are held; then a dearer one. */
  const [tied, dearer] = [answers(1, [{}, {}]), answers(3, [{ price: 90n, at: 1_010 }])];
  const all = [...tied, ...dearer];

  const label = (...labels: readonly string[]): readonly Answer[] => labels.map((each) => ({ label: each }));
  it.each<[string, string, readonly Answer[], string, readonly Answer[]]>([
    ["equal scores", best, [{ score: 5 }, { score: 5 }], "2 have the same highest score", [{ score: 0 }]],
    ["equal prices", cheapest, [{}, {}], "2 ask the same lowest price", [{ price: 90n }]],
    ["as many votes for two answers", quorum, label(..."aaabbb"), "two answers have 3 votes each", label(..."ccc")],
    ["too few votes for any", quorum, label(..."aab"), "no quorum: 2 of 3 agree", label(..."bb", "c", "c", "c")],
  ])(
    "leaves the task to a person: %s; what comes later is held with them, however long nobody answers",
    async (_, strategy, first, why, later) => {
      const set = policies(strategy);
      const before = answers(1, first);
      expect(await look(set, 1_000, before)).toBeUndefined();
      expect(await held()).toEqual(before.map((each) => `${idOf(each.address)}: ${why}`));
      const come = answers(
        before.length + 1,
        later.map((each) => ({ ...each, at: 1_010 })),
      );
      for (const second of [1_020, 1_200, 4_000]) expect(await look(set, second, [...before, ...come])).toBeUndefined();
      expect((await held()).slice(before.length)).toEqual(come.map((each) => `${idOf(each.address)}: ${late}`));
      expect(await journal.decisions(0)).toHaveLength(before.length + come.length);
    },
  );

  it("is known after a restart", async () => {
    await look(policies(cheapest), 1_000, tied);
    await journal.close();
    journal = await place.open();
    expect(await look(policies(cheapest), 4_000, all)).toBeUndefined();
    expect(await held()).toHaveLength(3);
  });

  it.each([1, 2, 3])("is paid as the person says: number %i", async (approved) => {
    await look(policies(cheapest), 1_000, tied);
    await look(policies(cheapest), 1_020, all);
    await answer("approve", approved);
    expect(await look(policies(cheapest), 1_030, all)).toBe(approved);
  });

  it("is not settled by the rejection of one of them; when each is answered, what comes then is judged by itself", async () => {
    const set = policies(cheapest);
    await look(set, 1_000, tied);
    await answer("reject", 1);
    expect(await look(set, 1_020, all)).toBeUndefined();
    expect(await held()).toEqual(["2: 2 ask the same lowest price", `3: ${late}`]);
    await answer("reject", 2);
    await answer("expire", 3);
    const next = [...all, responseOf(4, { price: 95n, at: 1_100 })];
    expect(await look(set, 1_110, next)).toBeUndefined();
    expect(await look(set, 1_160, next)).toBe(4);
  });

  it("stays a person's when the one that was approved is above a ceiling", async () => {
    const set = policies(cheapest);
    await look(set, 1_000, tied);
    await answer("reject", 2);
    await answer("approve", 1);
    const low = { maxPayment: wei(49n) };
    expect(await look(set, 1_010, tied, low)).toBeUndefined();
    expect(await look(set, 4_000, [...tied, responseOf(3, { price: 40n, at: 1_010 })], low)).toBeUndefined();
    expect(await held()).toEqual([
      expect.stringMatching(/^1: .* is above sink\.maxPayment .*approved by ann/),
      `3: ${late}`,
    ]);
  });

  it.each([
    ["first", "strategy: first"],
    ["cheapest, the earliest of equals", "strategy: cheapest"],
    ["manual", "strategy: manual"],
    [
      "the same, but for a comment",
      `${cheapest}
# a comment`,
    ],
  ])("stays a person's under changed files, and so does what comes later: %s", async (_, changed) => {
    await look(policies(cheapest), 1_000, tied);
    const set = policies(changed);
    const more = [...all, responseOf(4, { at: 1_011 })];
    expect(await look(set, 1_020, more)).toBeUndefined();
    expect(await look(set, 4_000, more)).toBeUndefined();
    expect((await held()).map((each) => each.slice(0, 2))).toEqual(["1:", "2:", "3:", "4:"]);
  });

  it("is held in shadow as it would be, and compared anew, with what came since, when it is enforced", async () => {
    const shadow = policies(cheapest, "shadow");
    await look(shadow, 1_000, tied);
    await look(shadow, 4_000, all);
    expect((await held()).at(-1)).toBe(`3: ${late}`);
    expect(await look(policies(cheapest), 4_001, all)).toBeUndefined();
    expect((await journal.held()).map(({ mode, reason }) => `${mode}: ${reason}`)).toEqual(
      Array.from({ length: 3 }, () => "enforce: 2 ask the same lowest price"),
    );
  });

  it("pays in a dry run what it would pay, and is compared anew afterwards", async () => {
    const set = policies(cheapest);
    await look(set, 1_000, tied, { dryRun: true });
    expect(await look(set, 4_000, all, { dryRun: true })).toBeUndefined();
    expect(await held()).toHaveLength(3);
    const cheaper = [...all, responseOf(4, { price: 40n, at: 4_001 })];
    expect(await look(set, 4_002, cheaper)).toBe(4);
  });

  it("was not noted by early versions: in doubt it is a person's", async () => {
    const set = policies(cheapest);
    await look(set, 1_000, tied);
    await place.tamper(
      kind === "SQLite"
        ? "DROP TRIGGER verdicts_are_final; UPDATE verdicts SET waits_for = NULL"
        : "ALTER TABLE verdicts DISABLE TRIGGER USER; UPDATE verdicts SET waits_for = NULL; ALTER TABLE verdicts ENABLE TRIGGER USER",
    );
    expect(await look(set, 4_000, all)).toBeUndefined();
    expect((await held()).at(-1)).toBe(`3: ${late}`);
  });

  it("is a person's no more when a reorg took all of it back for good", async () => {
    const set = policies(cheapest);
    await look(set, 1_000, tied);
    expect(await look(set, 1_020, dearer)).toBeUndefined();
    expect(await look(set, 1_070, dearer)).toBe(3);
  });

  it("is still a person's when a reorg took one of them back, and brought the other again", async () => {
    const set = policies(cheapest);
    await look(set, 1_000, tied);
    const [first] = tied as [Response];
    const cursor = { number: 1_001n, hash: headAt(1_001n).hash };
    await journal.intake({
      tasks: [],
      responses: [{ response: first.address, task, block: 1_001n }],
      touched: [],
      cursor,
    });
    expect((await journal.task(task))?.reappeared).toEqual(new Set([first.address]));
    expect(await look(set, 4_000, [first, ...dearer])).toBeUndefined();
  });

  it("is no quorum of which one asks more than a ceiling: that one's vote counts, and another one is paid", async () => {
    const agree = answers(1, [{ price: 90n }, {}, { at: 901 }]);
    expect(await look(policies(quorum), 910, agree.slice(0, 2), { maxPayment: wei(60n) })).toBeUndefined();
    expect(await look(policies(quorum), 920, agree, { maxPayment: wei(60n) })).toBe(2);
    expect(await held()).toEqual([]);
  });

  it("is a quorum of which each asks more than a ceiling, once no cheaper one came until the window's end", async () => {
    const low = { maxPayment: wei(40n) };
    const agree = answers(1, [{ price: 90n }, {}, {}]);
    expect(await look(policies(quorum), 910, agree, low)).toBeUndefined();
    expect(await held()).toEqual([]);
    expect(await look(policies(quorum), 1_000, agree, low)).toBeUndefined();
    const why = "3 masters agree, and a ceiling is below what each of them asks";
    expect(await held()).toEqual([1, 2, 3].map((id) => `${id}: ${why}`));
  });

  it("is paid to a cheaper one that comes in time, and agrees with those who ask too much", async () => {
    const low = { maxPayment: wei(40n) };
    const agree = answers(1, [{ price: 90n }, {}, {}, { price: 40n, at: 930 }]);
    expect(await look(policies(quorum), 910, agree.slice(0, 3), low)).toBeUndefined();
    expect(await look(policies(quorum), 930, agree, low)).toBe(4);
  });

  it("is not what one response is held for by itself: that keeps nobody from being paid", async () => {
    const set = policies(best);
    const dear = responseOf(1, { score: 9, price: 90n });
    const low = { maxPayment: wei(60n) };
    expect(await look(set, 1_000, [dear], low)).toBeUndefined();
    expect(await held()).toEqual([expect.stringMatching(/^1: .* is above sink\.maxPayment/)]);
    const both = [dear, responseOf(2, { at: 1_010 })];
    await look(set, 1_020, both, low);
    expect(await look(set, 1_070, both, low)).toBe(2);
  });
});

it("is left to a person by a backtest, too: what came later is not what the files would have paid", async () => {
  const [policy] = policies(cheapest).policies;
  const come = [{}, {}, { price: 90n, at: 1_010 }].map((each, index) => responseOf(index + 1, each));
  const responses = come.map((response) => ({ response, output: outputOf({}), waits: 0 }));
  const base = { source: aSource(), task: aTask(), config: outputOf({}), now: unixSeconds(0) };
  const replayed = await replayTask(policy as Policy, { ...base, responses });
  expect(replayed.map(({ kind, reason }) => `${kind}: ${reason}`)).toEqual([
    ...["hold: 2 ask the same lowest price", "hold: 2 ask the same lowest price", `hold: ${late}`],
  ]);
});
