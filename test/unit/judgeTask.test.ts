import { join } from "node:path";
import { NEVER } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/chain/chainPort.ts";
import { RetryableError } from "../../src/errors.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { type JudgeOptions, judgeTask } from "../../src/judgeTask.ts";
import type { Output, PayloadPort } from "../../src/payload/payloadPort.ts";
import { loadPolicies } from "../../src/policy/loadPolicies.ts";
import { everything } from "../../src/policy/needs.ts";
import type { Candidate, Policy, PolicyCaps, PolicySet, Verdict } from "../../src/policy/policyPort.ts";
import {
  type ResponseAddress,
  type SourceAddress,
  type UnixSeconds,
  unixSeconds,
  wei,
} from "../../src/protocol/brand.ts";
import { DeliveryMethod, ResponseStatus, TaskStatus } from "../../src/protocol/statuses.ts";
import type { Report } from "../../src/report.ts";
import { type Ceilings, noCaps, noCeilings } from "../../src/sink/guardrails/caps.ts";
import {
  address,
  aResponse,
  aSnapshot,
  aSource,
  aTask,
  fakeChain,
  headAt,
  response,
  source,
  task,
} from "../support/fakeChain.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { folderOf } from "./policy/support.ts";

const later = address<ResponseAddress>(0x3b);
let directory: string;
let journal: Journal;
let reports: Report[];
let judged: Candidate[];

beforeEach(async () => {
  directory = temporaryFolder("judge-");
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
  reports = [];
  judged = [];
  await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
});
afterEach(() => journal.close());

type Opinion = Pick<Verdict, "kind"> & Partial<Verdict>;
const outputOf = (changes: Partial<Output> = {}): Output => ({
  valid: true,
  json: { function_name: "f" },
  text: "",
  bytes: 2,
  cidVerified: false,
  error: "",
  transient: false,
  digest: "d0",
  ...changes,
});
/** A policy that says the same of every response it is shown, or what a function says. */
const policyOf = (
  opinion: Opinion | ((candidate: Candidate) => Promise<readonly Verdict[]>),
  changes: Partial<Policy> = {},
): Policy => {
  const policy: Policy = {
    name: "test",
    digest: "digest-1",
    mode: "enforce",
    limits: { maxBytes: 1_000, timeoutMs: 1_000 },
    caps: noCaps,
    needs: { ...everything, stake: false, history: false, published: false },
    judge: async (candidate) => {
      judged.push(candidate);
      if (typeof opinion === "function") return opinion(candidate);
      return candidate.responses.map((each) => ({
        response: each.response.address,
        reason: "so",
        until: undefined,
        policy: policy.name,
        policyDigest: policy.digest,
        mode: policy.mode,
        ...opinion,
      }));
    },
    ...changes,
  } as Policy;
  return policy;
};
const setOf = (policy: Policy | undefined): PolicySet => ({ policies: policy ? [policy] : [], select: () => policy });

type Look = {
  readonly snapshot?: Snapshot;
  readonly config?: Output;
  readonly options?: Partial<JudgeOptions>;
  readonly fetch?: PayloadPort["fetch"];
};
const look = (
  policy: Policy | undefined,
  { snapshot = aSnapshot(), config = outputOf(), options, fetch = async () => config }: Look = {},
) =>
  judgeTask(
    {
      chain: fakeChain({ snapshot: async () => snapshot }),
      journal,
      isWatched: async () => true,
      payload: { fetch },
      policies: setOf(policy),
      clock: { now: () => 7, scheduler: undefined as never },
      report: (report) => void reports.push(report),
    },
    { maxPayment: wei(1_000n), dryRun: false, ...options },
    task,
  );
const confirm = policyOf({ kind: "confirm" });
const at = (timestamp: number) => aSnapshot({ block: headAt(100n, { timestamp: unixSeconds(timestamp) }) });
const both = aSnapshot({ responses: [aResponse(), aResponse({ address: later })] });
const addLater = () => journal.intake({ tasks: [], responses: [{ response: later, task }], touched: [] });

describe("a look at a task", () => {
  it("intends to pay what the policy confirms, once", async () => {
    const { intent } = await look(confirm);
    expect(intent).toMatchObject({ task, response, payment: 80n, offered: 100n, state: "intended" });
    const { block } = aSnapshot();
    expect((await journal.task(task))?.verdicts).toMatchObject([
      { kind: "confirm", decidedAt: 7, block: { number: block.number, hash: block.hash } },
    ]);
    expect(await look(confirm)).toEqual({});
    expect(judged).toHaveLength(1);
  });

  it("intends one payment even where a policy confirms two responses", async () => {
    await addLater();
    const { intent } = await look(confirm, { snapshot: both });
    expect(intent?.response).toBe(response);
    expect(await journal.unsettled()).toHaveLength(1);
    expect(reports).toMatchObject([{ type: "verdict", intent }, { decision: { response: later, kind: "confirm" } }]);
    expect(reports[1]).not.toHaveProperty("intent");
  });

  it.each<[string, Snapshot, "closed" | "ignored", RegExp]>([
    [
      "the chain confirms itself",
      aSnapshot({ task: aTask({ deliveryMethod: DeliveryMethod.FIRST_RESPONSE }) }),
      "ignored",
      /FIRST_RESPONSE/,
    ],
    ["is finalised", aSnapshot({ task: aTask({ status: TaskStatus.FINALIZED }) }), "closed", /FINALIZED/],
    ["is canceled", aSnapshot({ task: aTask({ status: TaskStatus.CANCELED }) }), "closed", /CANCELED/],
    ["is expired by its status", aSnapshot({ task: aTask({ status: TaskStatus.EXPIRED }) }), "closed", /EXPIRED/],
    ["is expired by the chain's clock alone", at(5_000), "closed", /expiry time has passed/],
  ])("settles one that %s, and pays nothing for it", async (_, snapshot, state, reason) => {
    expect(await look(confirm, { snapshot })).toEqual({});
    const end = { state, reason: expect.stringMatching(reason) };
    expect(await journal.task(task)).toMatchObject({ ...end, verdicts: [] });
    expect([judged, reports]).toEqual([[], [{ type: "task", task, ...end }]]);
  });

  it("goes by the chain's clock up to the last second", async () => {
    expect((await look(confirm, { snapshot: at(4_999) })).intent).toBeDefined();
  });

  it.each<[string, Look]>([
    ["there is nothing to judge", { snapshot: aSnapshot({ responses: [] }) }],
    [
      "every response is confirmed",
      { snapshot: aSnapshot({ responses: [aResponse({ status: ResponseStatus.CONFIRMED })] }) },
    ],
  ])("asks no policy where %s", async (_, what) => {
    expect(await look(confirm, what)).toEqual({});
    expect(judged).toEqual([]);
  });

  it("shows the policy no response that is confirmed already, beside one that is not", async () => {
    await addLater();
    const responses = [aResponse({ status: ResponseStatus.CONFIRMED }), aResponse({ address: later })];
    expect((await look(confirm, { snapshot: aSnapshot({ responses }) })).intent).toMatchObject({ response: later });
    expect(judged[0]?.responses.map(({ response: { address: each } }) => each)).toEqual([later]);
  });

  it("pays nothing where no policy matches, and looks again only if the config may come yet", async () => {
    expect(await look(undefined)).toEqual({});
    const missing = outputOf({ valid: false, json: null, transient: true, error: "no answer" });
    expect(await look(undefined, { config: missing })).toEqual({ againInMs: 30_000 });
    expect(reports).toEqual(["", "no answer"].map((reason) => ({ type: "unmatched", task, reason })));
    expect(await journal.unsettled()).toEqual([]);
  });

  it("asks for the config as the document of whoever published the task, and for no other one as that", async () => {
    const asked: [data: string, isConfig: boolean | undefined][] = [];
    const fetch: PayloadPort["fetch"] = async (data, { isConfig }) => {
      asked.push([data, isConfig]);
      return outputOf();
    };
    await look(confirm, { snapshot: aSnapshot({ responses: [aResponse({ data: "the answer" })] }), fetch });
    expect(asked).toEqual([
      ["{}", true],
      ["the answer", undefined],
    ]);
  });

  it.each(["closed", "ignored"] as const)("asks nobody of one that is %s already", async (state) => {
    await journal.settleTask(task, state, "so", 100n);
    expect(await look(confirm)).toEqual({});
    expect([judged, reports]).toEqual([[], []]);
  });

  it("knows nothing of a task that is not in the journal", async () => {
    const stranger = address<typeof task>(0xff);
    const deps = { chain: fakeChain(), journal, clock: {}, policies: setOf(confirm) } as never;
    expect(await judgeTask(deps, { maxPayment: wei(1n), dryRun: false }, stranger)).toEqual({});
  });
});

describe("a policy that fails", () => {
  it.each<[string, (candidate: Candidate) => Promise<readonly Verdict[]>]>([
    [
      "throws",
      async () => {
        throw new Error("boom");
      },
    ],
    ["cannot be read", async () => undefined as never],
  ])("decides nothing when it %s", async (_, judge) => {
    await expect(look(policyOf(judge))).rejects.toThrow();
    expect((await journal.task(task))?.verdicts).toEqual([]);
    expect(await journal.unsettled()).toEqual([]);
  });

  it("cannot decide on a response that it was not shown", async () => {
    const invent = policyOf(async () => [
      {
        response: later,
        kind: "confirm",
        reason: "",
        until: undefined,
        policy: "p",
        policyDigest: "d",
        mode: "enforce",
      },
    ]);
    expect((await look(invent)).intent).toBeUndefined();
    expect(await journal.unsettled()).toEqual([]);
  });

  it("decides nothing when the chain cannot be read", async () => {
    const down = new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
    const chain = fakeChain({
      snapshot: async () => {
        throw down;
      },
    });
    const deps = { chain, journal, policies: setOf(confirm), report: () => undefined } as never;
    await expect(judgeTask(deps, { maxPayment: wei(1n), dryRun: false }, task)).rejects.toBe(down);
  });

  describe("that has a response which nobody told of", () => {
    const depsOf = (snapshot: (asked: readonly ResponseAddress[], at?: bigint) => Snapshot) => ({
      chain: fakeChain({ snapshot: async (_task, _source, asked, at) => snapshot(asked, at) }),
      journal,
      isWatched: async () => true,
      payload: { fetch: async () => outputOf() },
      policies: setOf(confirm),
      clock: { now: () => 7, scheduler: undefined as never },
      report: (report: Report) => void reports.push(report),
    });
    const options = { maxPayment: wei(1_000n), dryRun: false };

    it("takes it in, and judges it with the others, in the block that was read", async () => {
      const blocks: (bigint | undefined)[] = [];
      const deps = depsOf((asked, at) => {
        blocks.push(at);
        return asked.includes(later)
          ? { ...both, responses: both.responses.toReversed() }
          : aSnapshot({ untold: [later] });
      });
      expect((await judgeTask(deps, options, task)).intent).toMatchObject({ response: later });
      expect(judged).toHaveLength(1);
      expect(blocks).toEqual([undefined, 100n]);
      expect((await journal.task(task))?.responses).toEqual([response, later]);
      expect(reports[0]).toEqual({ type: "intake", via: "look", tasks: 0, responses: 1, block: undefined });
    });

    it("decides nothing where the task was settled meanwhile", async () => {
      const journalled = depsOf(() => aSnapshot({ untold: [later] }));
      const snapshot = async () => {
        await journal.settleTask(task, "closed", "CANCELED", 100n);
        return aSnapshot({ untold: [later] });
      };
      const deps = { ...journalled, chain: fakeChain({ snapshot }) };
      expect(await judgeTask(deps, options, task)).toEqual({});
      expect(judged).toEqual([]);
    });

    it("decides nothing while the chain keeps changing its list", async () => {
      const deps = depsOf(() => aSnapshot({ untold: [later] }));
      await expect(judgeTask(deps, options, task)).rejects.toThrow(/responses in block 100 that no event has told of/);
      expect(judged).toEqual([]);
      expect(await journal.unsettled()).toEqual([]);
    });
  });
});

describe("a task that names another source than the journal has", () => {
  const named = address<SourceAddress>(0x2b);
  const snapshot = aSnapshot({ task: aTask({ source: named }), source: aSource({ address: named }) });
  const lookAs = async (isWatched: boolean, read: () => Snapshot = () => snapshot) => {
    const selected: SourceAddress[] = [];
    const select: PolicySet["select"] = ({ source: asked }) => {
      selected.push(asked);
      return confirm;
    };
    const deps = {
      chain: fakeChain({ snapshot: async () => read() }),
      journal,
      isWatched: async () => isWatched,
      payload: { fetch: async () => outputOf() },
      policies: { policies: [confirm], select },
      clock: { now: () => 7, scheduler: undefined as never },
      report: (report: Report) => void reports.push(report),
    };
    const { intent } = await judgeTask(deps, { maxPayment: wei(1_000n), dryRun: false }, task);
    return { intent, selected };
  };

  it("is judged by that source's policy, and the journal is corrected", async () => {
    const { intent, selected } = await lookAs(true);
    expect(intent).toMatchObject({ task, response });
    expect(selected).toEqual([named]);
    expect(await journal.task(task)).toMatchObject({ source: named, responses: [response] });
    expect(reports[0]).toEqual({ type: "intake", via: "look", tasks: 1, responses: 0, block: undefined });
  });

  it("is nobody's to pay where that source is not watched, until the chain's state says otherwise", async () => {
    expect(await lookAs(false)).toEqual({ intent: undefined, selected: [] });
    const reason = `its source is ${named}, which is not watched`;
    expect(await journal.task(task)).toMatchObject({ state: "ignored", reason, verdicts: [] });
    expect(reports).toEqual([{ type: "task", task, state: "ignored", reason }]);
    // The sweep lists it among a watched source's tasks.
    const found = { tasks: [{ task, source: named }], responses: [], touched: [] };
    expect(await journal.intake({ ...found, isState: true })).toEqual([task]);
    expect((await lookAs(true)).intent).toMatchObject({ response });
  });

  it("is judged by no policy while the chain keeps changing its word", async () => {
    const words = [snapshot, aSnapshot()];
    await expect(lookAs(true, () => words.shift() ?? snapshot)).rejects.toThrow(/or another source, and they change/);
    expect(judged).toEqual([]);
    expect(await journal.unsettled()).toEqual([]);
  });
});

describe("a look during which the policies change", () => {
  const shadow = policyOf({ kind: "confirm" }, { mode: "shadow", digest: "digest-2" });
  const other = policyOf({ kind: "reject" }, { name: "other", digest: "digest-3" });
  const same = policyOf({ kind: "confirm" });
  /** A look whose files change while something is waited for, and the next one, under what is in force then. */
  const lookDuring = async (awaited: "payload" | "judge", next: Policy | undefined) => {
    const change = () => {
      policies = setOf(next);
    };
    const slow = policyOf(async (candidate) => {
      if (awaited === "judge") change();
      return confirm.judge(candidate);
    });
    let policies = setOf(slow);
    const deps = {
      chain: fakeChain({ snapshot: async () => aSnapshot({ responses: [aResponse({ data: "the answer" })] }) }),
      journal,
      isWatched: async () => true,
      payload: {
        fetch: async (data: string) => {
          if (awaited === "payload" && data === "the answer") change();
          return outputOf();
        },
      },
      policies: { current: () => policies, capsOf: () => noCaps, changes$: NEVER },
      clock: { now: () => 7, scheduler: undefined as never },
      report: (report: Report) => void reports.push(report),
    };
    const judge = () => judgeTask(deps, { maxPayment: wei(1_000n), dryRun: false }, task);
    return { looked: await judge(), verdicts: (await journal.task(task))?.verdicts ?? [], judge };
  };

  describe.each(["payload", "judge"] as const)("and waits for a %s", (awaited) => {
    it.each([
      ["shadow", shadow, "test", [{ kind: "confirm", mode: "shadow", policyDigest: "digest-2" }]],
      ["another one", other, "other", [{ kind: "reject", policyDigest: "digest-3" }]],
      ["none", undefined, undefined, []],
    ] as const)("decides nothing by the old files; the next one goes by %s", async (_, next, name, after) => {
      const { looked, verdicts, judge } = await lookDuring(awaited, next);
      expect([looked, verdicts]).toEqual([{ againInMs: 0 }, []]);
      expect(reports).toEqual([{ type: "overtaken", task, before: "test", policy: name }]);
      expect((await judge()).intent).toBeUndefined();
      expect((await journal.task(task))?.verdicts).toMatchObject(after);
      expect(await journal.unsettled()).toEqual([]);
    });

    it("pays as it had begun to where its own policy is the same in the new files", async () => {
      expect((await lookDuring(awaited, same)).looked.intent).toMatchObject({ response });
    });
  });
});

describe("a response that waits for its payload while others come", () => {
  const cheapest = (more = "") => {
    const file = `apiVersion: ogpu-confirmd/v1\nname: a\nmode: enforce\nstrategy: cheapest\neligible: output.valid\n${more}`;
    const [policy] = loadPolicies(folderOf({ "a.yaml": file })).policies;
    if (policy === undefined) throw new Error("no policy");
    return policy;
  };
  const missing = outputOf({ valid: false, json: null, transient: true, error: "HTTP 503", digest: "" });
  const siblings = [1, 2, 3, 4, 5].map((number) => address<ResponseAddress>(0x60 + number));
  /** A look at a second at which so many siblings have come, whose payloads all are missing, too, but for those named. */
  const lookAt = async (
    policy: Policy,
    second: number,
    came: number,
    valid: readonly string[] = [],
    why = "HTTP 503",
  ) => {
    const all = [response, ...siblings.slice(0, came)];
    const seen = all.map((each) => ({ response: each, task }));
    await journal.intake({ tasks: [], responses: seen, touched: [] });
    const responses = all.map((each) => aResponse({ address: each, data: each }));
    const deps = {
      chain: fakeChain({ snapshot: async () => ({ ...at(second), responses }) }),
      journal,
      isWatched: async () => true,
      payload: { fetch: async (data: string) => (valid.includes(data) ? outputOf() : { ...missing, error: why }) },
      policies: setOf(policy),
      clock: { now: () => 7, scheduler: undefined as never },
      report: (report: Report) => void reports.push(report),
    };
    return judgeTask(deps, { maxPayment: wei(1_000n), dryRun: false }, task);
  };
  const verdictOf = async (each: ResponseAddress) =>
    (await journal.task(task))?.verdicts.find((verdict) => verdict.response === each);

  it("keeps its retries however many come, and is looked at when it was told to", async () => {
    const policy = cheapest("window: { for: 1m }\nretries: 3");
    expect(await lookAt(policy, 1_000, 0)).toEqual({ intent: undefined, againInMs: 5_000 });
    for (const [index] of siblings.entries()) {
      expect(await lookAt(policy, 1_001, index + 1)).toMatchObject({ againInMs: 4_000 });
    }
    expect(await verdictOf(response)).toMatchObject({ kind: "wait", until: 1_005, waits: 1 });
    expect(await journal.decisions(0, true)).toHaveLength(1 + siblings.length);
    // Its own time has come: this counts.
    await lookAt(policy, 1_005, siblings.length);
    expect(await verdictOf(response)).toMatchObject({ kind: "wait", until: 1_015, waits: 2 });
  });

  it("is tried again after a moment where it had come, waits for the others, and cannot be fetched beside one of them", async () => {
    const policy = cheapest("window: { for: 30m }");
    const [sibling] = siblings as [ResponseAddress];
    expect(await lookAt(policy, 1_000, 0, [response])).toMatchObject({ againInMs: expect.any(Number) });
    expect(await verdictOf(response)).toMatchObject({ kind: "wait", waitsFor: "window", waits: 0 });
    expect(await lookAt(policy, 1_010, 1, [sibling])).toEqual({ intent: undefined, againInMs: 5_000 });
    expect(await verdictOf(response)).toMatchObject({ kind: "wait", waitsFor: "document", until: 1_015, waits: 1 });
    // More of them before that: no retry that nobody had to wait for.
    await lookAt(policy, 1_011, 2, siblings);
    expect(await verdictOf(response)).toMatchObject({ until: 1_015, waits: 1 });
  });

  it("keeps its retries, too, where it fails otherwise before its time", async () => {
    const policy = cheapest("window: { for: 1m }\nretries: 3");
    await lookAt(policy, 1_000, 0);
    await lookAt(policy, 1_001, 1, [], "timed out");
    expect(await verdictOf(response)).toMatchObject({ kind: "wait", until: 1_005, waits: 1 });
  });

  it("waits for the others from when its payload has come, though that is before its time", async () => {
    const policy = cheapest("window: { for: 30m }");
    await lookAt(policy, 1_000, 0);
    await lookAt(policy, 1_001, 1, [response]);
    expect(await verdictOf(response)).toMatchObject({
      kind: "wait",
      waitsFor: "window",
      reason: "a cheaper one may come",
    });
  });

  it("is chosen at once where its payload has come by then", async () => {
    const policy = cheapest("window: { for: 1s }");
    await lookAt(policy, 1_000, 0);
    expect((await lookAt(policy, 1_001, 1, [response])).intent).toMatchObject({ response });
  });
});

describe("what a look holds of payloads", () => {
  it("is held until the look has ended, and is no more than the policy reads", async () => {
    let released = 0;
    const fetch: PayloadPort["fetch"] = async (_data, _limits, end) => {
      void end?.then(() => released++);
      return outputOf({ text: "long" });
    };
    const seen: unknown[] = [];
    const opinion = async (candidate: Candidate) => {
      await new Promise(setImmediate);
      seen.push(released, ...candidate.responses.map(({ output: { text, json } }) => ({ text, json })));
      return [];
    };
    await look(policyOf(opinion, { needs: { ...confirm.needs, text: false } }), { fetch });
    expect(seen).toEqual([0, { text: "", json: { function_name: "f" } }]);
    expect(released).toBe(2);
  });
});

describe("a response whose payload has not had its turn", () => {
  it("is looked at again, and nothing is journalled: it is no try", async () => {
    const [policy] = loadPolicies(
      folderOf({
        "a.yaml": "apiVersion: ogpu-confirmd/v1\nname: a\nmode: enforce\nstrategy: first\neligible: output.valid\n",
      }),
    ).policies;
    const full = { valid: false, json: null, error: "too many fetches wait already", transient: true } as const;
    const now = aResponse().submittedAt;
    expect(await look(policy, { snapshot: at(now), config: outputOf({ ...full, unasked: true }) })).toEqual({
      intent: undefined,
      againInMs: 5_000,
    });
    expect(await journal.decisions(0, true)).toEqual([]);
    const reason = "the payload could not be fetched: too many fetches wait already";
    expect(reports).toEqual([{ type: "no-turn", task, response, reason }]);
    expect((await look(policy, { snapshot: at(now + 5) })).intent).toBeDefined();
  });
});

describe("a verdict", () => {
  const wait = (until: number) => policyOf({ kind: "wait", until: unixSeconds(until) as UnixSeconds });

  it("wait is not judged again before its time, and then with the number of waits", async () => {
    expect(await look(wait(1_060))).toEqual({ intent: undefined, againInMs: 60_000 });
    expect(await look(confirm, { snapshot: at(1_059) })).toMatchObject({ againInMs: 1_000 });
    expect(judged[1]?.responses).toEqual([]);
    expect((await look(confirm, { snapshot: at(1_060) })).intent).toBeDefined();
    expect(judged[2]?.responses).toMatchObject([{ waits: 1 }]);
  });

  it("wait until a time that is over already is judged again a second later, and not all the time", async () => {
    expect(await look(wait(1_000))).toEqual({ againInMs: 1_000 });
  });

  it("wait of a comparison is not judged again before its time, either, where nothing else is due", async () => {
    const compares = { comparesSiblings: true };
    await look(policyOf({ kind: "wait", until: unixSeconds(1_060) }, compares));
    expect(await look(policyOf({ kind: "confirm" }, compares), { snapshot: at(1_059) })).toMatchObject({
      againInMs: 1_000,
    });
    expect(judged[1]?.responses).toEqual([]);
  });

  it("wait is written down anew where another version of the policy says the same", async () => {
    await look(wait(1_060));
    await look(policyOf({ kind: "wait", until: unixSeconds(1_060) }, { digest: "digest-2" }));
    expect((await journal.task(task))?.verdicts[0]).toMatchObject({ kind: "wait", policyDigest: "digest-2" });
  });

  it("wait holds up no other response", async () => {
    await look(wait(2_000));
    await addLater();
    expect((await look(confirm, { snapshot: both })).intent).toMatchObject({ response: later });
  });

  it("that a person withdrew before anything was signed stands; other responses of the task are judged", async () => {
    const { intent } = await look(confirm);
    await journal.setPause({ by: "operator", who: "ann", why: "a bad policy", at: 1 });
    await journal.withdraw([intent?.id ?? 0], "withdrawn by ann: it pays for nothing");
    const better = policyOf({ kind: "confirm" }, { digest: "digest-2" });
    expect((await look(better)).intent).toBeUndefined();
    await addLater();
    expect((await look(better, { snapshot: both })).intent).toMatchObject({ response: later });
    expect(judged.at(-1)?.responses.map(({ response: { address: each } }) => each)).toEqual([later]);
  });

  it("that a person withdrew stands where a block brings its response again, unless it is another one by then", async () => {
    const { intent } = await look(confirm);
    const seen = (block: bigint) =>
      journal.intake({
        tasks: [],
        responses: [{ response, task, block }],
        touched: [],
        cursor: { number: block, hash: headAt(block).hash },
      });
    await seen(101n);
    await journal.setPause({ by: "operator", who: "ann", why: "a bad policy", at: 1 });
    await journal.withdraw([intent?.id ?? 0], "withdrawn by ann: it pays for nothing");
    const block = headAt(102n);
    const snapshot = aSnapshot({ block });
    expect((await look(confirm, { snapshot })).intent).toBeUndefined();
    await seen(102n);
    expect((await look(policyOf({ kind: "confirm" }, { digest: "digest-2" }), { snapshot })).intent).toBeUndefined();
    expect(judged.slice(1).map(({ responses }) => responses)).toEqual([[], []]);
    const another = aSnapshot({ block, responses: [aResponse({ payment: wei(70n) })] });
    expect((await look(confirm, { snapshot: another })).intent).toMatchObject({ response, payment: 70n });
  });

  it.each(["reject", "hold"] as const)("%s settles its response, whatever policy comes after", async (kind) => {
    await look(policyOf({ kind }));
    expect((await look(policyOf({ kind: "confirm" }, { digest: "digest-2" }))).intent).toBeUndefined();
    expect(judged[1]?.responses).toEqual([]);
  });

  it.each(["reject", "hold"] as const)(
    "%s is not written down again where its response's event names a later block than it was read in",
    async (kind) => {
      await look(policyOf({ kind }));
      const cursor = { number: 101n, hash: headAt(101n).hash };
      await journal.intake({ tasks: [], responses: [{ response, task, block: 101n }], touched: [], cursor });
      expect((await journal.task(task))?.reappeared).toEqual(new Set([response]));
      const snapshot = aSnapshot({ block: headAt(101n) });
      expect(await look(policyOf({ kind }), { snapshot })).toEqual({ intent: undefined });
      expect(judged[1]?.responses).toHaveLength(1);
      expect(await journal.decisions(0)).toHaveLength(1);
      expect((await look(policyOf({ kind, reason: "another reason" }), { snapshot })).intent).toBeUndefined();
      expect(await journal.decisions(0)).toHaveLength(2);
    },
  );

  it.each([
    ["stays", "is still there", headAt(100n), 1],
    ["is judged anew", "was taken back", headAt(100n, { hash: headAt(102n).hash }), 2],
  ] as const)(
    "rejection by a policy that was changed since %s where the response's event names a later block, and the block of the verdict %s",
    async (_, __, now, decisions) => {
      await look(policyOf({ kind: "reject" }));
      const cursor = { number: 101n, hash: headAt(101n).hash };
      const blocks = { read: [{ number: now.number, hash: now.hash }, cursor], forgotten: [] };
      await journal.intake({ tasks: [], responses: [{ response, task, block: 101n }], touched: [], cursor, blocks });
      const snapshot = aSnapshot({ block: headAt(101n) });
      await look(policyOf({ kind: "reject" }, { digest: "digest-2" }), { snapshot });
      expect(await journal.decisions(0)).toHaveLength(decisions);
    },
  );

  it("that was refused is made again where the response's event names a later block, also where the block of the verdict is still there", async () => {
    const refused = (await look(confirm)).intent?.id as number;
    await journal.changeConfirmation(refused, { state: "rejected", reason: "the response is not there" });
    expect((await look(confirm)).intent).toBeUndefined();
    const cursor = { number: 101n, hash: headAt(101n).hash };
    const blocks = { read: [{ number: 100n, hash: headAt(100n).hash }, cursor], forgotten: [] };
    await journal.intake({ tasks: [], responses: [{ response, task, block: 101n }], touched: [], cursor, blocks });
    expect((await look(confirm, { snapshot: aSnapshot({ block: headAt(101n) }) })).intent).toMatchObject({ response });
  });

  it("is not made by a block below what was scanned, whether a response is missing there or not", async () => {
    const cursor = { number: 101n, hash: headAt(101n).hash };
    await journal.intake({ tasks: [], responses: [], touched: [], cursor });
    const before = aSnapshot({ block: headAt(100n), responses: [] });
    const behind = { code: "NODE_BEHIND" };
    await expect(look(confirm, { snapshot: before })).rejects.toMatchObject(behind);
    const gone = aSnapshot({ block: headAt(101n), responses: [] });
    expect(await look(confirm, { snapshot: gone })).toEqual({});
    await expect(look(confirm, { snapshot: aSnapshot({ block: headAt(100n) }) })).rejects.toMatchObject(behind);
    expect((await look(confirm, { snapshot: aSnapshot({ block: headAt(101n) }) })).intent).toBeDefined();
  });

  it("hold of a dry run is written down anew, and is a person's, where it pays", async () => {
    const hold = policyOf({ kind: "hold" });
    await look(hold, { options: { dryRun: true } });
    await look(hold);
    expect((await journal.task(task))?.verdicts).toMatchObject([{ kind: "hold", mode: "enforce" }]);
    expect(await journal.decisions(0)).toHaveLength(2);
  });

  it("hold is of the response that stands there now, where a reorg brought another one in its place", async () => {
    await look(policyOf({ kind: "hold" }));
    await look(policyOf({ kind: "hold" }), { snapshot: aSnapshot({ responses: [aResponse({ payment: wei(70n) })] }) });
    expect(await journal.held()).toMatchObject([{ response, payment: 70n }]);
  });

  it("in shadow pays nothing and binds its own policy alone", async () => {
    const shadow = policyOf({ kind: "confirm" }, { mode: "shadow" });
    expect((await look(shadow)).intent).toBeUndefined();
    await addLater();
    await look(shadow, { snapshot: both });
    expect(judged[1]?.responses).toEqual([]);
    const enforced = policyOf({ kind: "confirm" }, { digest: "digest-2" });
    expect((await look(enforced, { snapshot: both })).intent).toMatchObject({ response });
  });

  it("in shadow is judged anew by another policy, though that pays nothing either", async () => {
    await look(policyOf({ kind: "reject" }, { mode: "shadow" }));
    await look(policyOf({ kind: "confirm" }, { mode: "shadow", digest: "digest-2" }));
    expect(judged[1]?.responses).toHaveLength(1);
  });

  it.each(["reject", "wait"] as const)("%s stays what it is, though its price is above a ceiling", async (kind) => {
    await look(policyOf({ kind, until: unixSeconds(1_060) }), { options: { maxPayment: wei(79n) } });
    expect((await journal.task(task))?.verdicts).toMatchObject([{ kind, reason: "so" }]);
  });

  it("of a dry run pays nothing, and does not keep the same policy from paying afterwards", async () => {
    expect((await look(confirm, { options: { dryRun: true } })).intent).toBeUndefined();
    expect((await journal.task(task))?.verdicts).toMatchObject([{ kind: "confirm", mode: "shadow" }]);
    await look(confirm, { options: { dryRun: true } });
    expect(judged[1]?.responses).toEqual([]);
    expect((await look(confirm)).intent).toMatchObject({ response });
  });

  it.each([
    ["holds a price above the ceiling", 79n, "hold", false],
    ["confirms a price at the ceiling", 80n, "confirm", true],
  ] as const)("%s, whatever the policy says", async (_, ceiling, kind, paid) => {
    const { intent } = await look(confirm, { options: { maxPayment: wei(ceiling) } });
    expect(intent !== undefined).toBe(paid);
    expect((await journal.task(task))?.verdicts).toMatchObject([{ kind, payment: 80n, payloadDigest: "d0" }]);
  });

  it.each<[string, Partial<Ceilings>, Partial<PolicyCaps>, string]>([
    ["perHour", { perHour: wei(79n) }, {}, "guardrails.perHour"],
    ["perDay", { perDay: wei(79n) }, {}, "guardrails.perDay"],
    ["perProviderHour", { perProviderHour: wei(79n) }, {}, "guardrails.perProviderHour"],
    ["an hour of the policy's own", {}, { perHour: wei(79n) }, "caps.perHour of test"],
    ["the policy's own for one task", {}, { perTask: wei(79n) }, "caps.perTask of test"],
    ["a day of the policy's own", {}, { perDay: wei(79n) }, "caps.perDay of test"],
    ["an hour of its provider", {}, { perProviderHour: wei(79n) }, "caps.perProviderHour of test"],
    ["the lowest of several", { perHour: wei(79n), perDay: wei(70n) }, { perDay: wei(60n) }, "caps.perDay of test"],
  ])("holds a price that %s never has room for, and names the ceiling", async (_, ceilings, caps, name) => {
    const policy = policyOf({ kind: "confirm" }, { caps: { ...noCaps, ...caps } });
    expect(await look(policy, { options: { ceilings: { ...noCeilings, ...ceilings } } })).toEqual({
      intent: undefined,
    });
    const [verdict] = (await journal.task(task))?.verdicts ?? [];
    expect(verdict).toMatchObject({ kind: "hold", reason: expect.stringMatching(`above ${name} \\(.* OGPU\\): so$`) });
    expect((await journal.held()).map(({ id }) => id)).toEqual([verdict?.id]);
  });

  it("confirms a price that just fits every ceiling, however much is used of them", async () => {
    const [ceilings, caps] = [
      { ...noCeilings, perHour: wei(80n) },
      { ...noCaps, perDay: wei(80n) },
    ];
    expect((await look(policyOf({ kind: "confirm" }, { caps }), { options: { ceilings } })).intent).toBeDefined();
  });

  describe("that a ceiling holds", () => {
    const responses = [aResponse(), aResponse({ address: later, payment: wei(50n) })];
    const first = policyOf(
      async (candidate) =>
        candidate.responses.slice(0, 1).map(({ response: { address: each } }) => ({
          ...{ response: each, kind: "confirm", reason: "the first", until: undefined },
          ...{ policy: "test", policyDigest: "digest-1", mode: "enforce" },
        })),
      { caps: { ...noCaps, perHour: wei(79n) } },
    );
    const cameAgain = (block: bigint) =>
      journal.intake({
        tasks: [],
        responses: [{ response, task, block }],
        touched: [],
        cursor: { number: block, hash: headAt(block).hash },
      });
    const inBlock = (number: bigint) => aSnapshot({ block: headAt(number), responses });

    it("leaves the task to a cheaper response, which is judged at once", async () => {
      await addLater();
      const snapshot = aSnapshot({ responses });
      expect(await look(first, { snapshot })).toEqual({ againInMs: 0 });
      expect((await look(first, { snapshot })).intent).toMatchObject({ response: later, payment: 50n });
    });

    it("keeps nobody waiting whom the policy confirms beside it, though it left others aside", async () => {
      const [cheap, aside] = [later, address<ResponseAddress>(0x3c)];
      for (const each of [cheap, aside])
        await journal.intake({ tasks: [], responses: [{ response: each, task }], touched: [] });
      const two = policyOf((candidate) => confirm.judge({ ...candidate, responses: candidate.responses.slice(0, 2) }));
      const snapshot = aSnapshot({ responses: [...responses, aResponse({ address: aside })] });
      const options = { maxPayment: wei(79n) };
      expect((await look(two, { snapshot, options })).intent).toMatchObject({ response: cheap, payment: 50n });
    });

    it("leaves it so, too, where a block brings the dear one again", async () => {
      expect(await look(first)).toEqual({ intent: undefined });
      await cameAgain(101n);
      await addLater();
      expect(await look(first, { snapshot: inBlock(101n) })).toEqual({ againInMs: 0 });
      expect((await look(first, { snapshot: inBlock(101n) })).intent).toMatchObject({ response: later });
    });

    it("leaves it so a moment later where the node that answers has not got that block yet", async () => {
      await look(first);
      await cameAgain(101n);
      await addLater();
      await expect(look(first, { snapshot: inBlock(100n) })).rejects.toMatchObject({ code: "NODE_BEHIND" });
      expect(await look(first, { snapshot: inBlock(101n) })).toEqual({ againInMs: 0 });
      expect((await look(first, { snapshot: inBlock(101n) })).intent).toMatchObject({ response: later });
    });

    it("leaves it so a second later, and not all the time, where only the socket has told of that block", async () => {
      const [dear, cheap] = [address<ResponseAddress>(0x3c), address<ResponseAddress>(0x3d)];
      await journal.intake({ tasks: [], responses: [{ response: dear, task, block: 101n }], touched: [] });
      await journal.intake({ tasks: [], responses: [{ response: cheap, task }], touched: [] });
      const twoOf = (number: bigint) =>
        aSnapshot({
          block: headAt(number),
          responses: [aResponse({ address: dear }), aResponse({ address: cheap, payment: wei(50n) })],
        });
      expect(await look(first, { snapshot: twoOf(100n) })).toEqual({ againInMs: 0 });
      expect(await look(first, { snapshot: twoOf(100n) })).toEqual({ againInMs: 1_000 });
      expect(await look(first, { snapshot: twoOf(101n) })).toEqual({ againInMs: 0 });
      expect((await look(first, { snapshot: twoOf(101n) })).intent).toMatchObject({ response: cheap });
    });
  });
});
