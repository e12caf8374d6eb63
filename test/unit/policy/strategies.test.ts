import { expect, test } from "vitest";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import type { Candidate, CandidateResponse, Policy } from "../../../src/policy/policyPort.ts";
import { quorum } from "../../../src/policy/strategies/quorum.ts";
import { toAddress, unixSeconds } from "../../../src/protocol/brand.ts";
import { candidateOf, folderOf, invalidOutput, ogpu, outputOf, responseOf, verdictsOf } from "./support.ts";

function policy(strategy: string, more = ""): Policy {
  const text = `apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: ${strategy}\neligible: output.valid\n${more}\n`;
  const [only] = loadPolicies(folderOf({ "a.yaml": text })).policies;
  if (!only) throw new Error("no policy");
  return only;
}

const master = (digit: number) => toAddress(`0x${"0".repeat(39)}${digit}`) as never;

type Offer = { readonly price: number; readonly at?: number; readonly json?: unknown; readonly by?: number };

/** Response `id` asks `price` tenths of an OGPU at second `at`, 100 + id if it is not said. */
const offer = (id: number, { price, at, json = { label: "x" }, by = id }: Offer): CandidateResponse =>
  responseOf(id, {
    response: { payment: ogpu(price), ...(at !== undefined && { submittedAt: unixSeconds(at) }) },
    output: outputOf(json),
    provider: { master: master(by), lockup: ogpu(1), eligible: true },
  });

/** A task that expires at second 10,000, seen at `now`. */
const seen = (now: number, responses: readonly CandidateResponse[], more: Partial<Candidate> = {}): Candidate => ({
  ...candidateOf(responses, { task: { expiryTime: unixSeconds(10_000) } }),
  now: unixSeconds(now),
  ...more,
});

const untilOf = async (judged: Policy, candidate: Candidate) =>
  (await judged.judge(candidate)).map(({ until }) => until);

test("cheapest waits until two minutes after the first eligible one, then pays the lowest price", async () => {
  const offers = [offer(1, { price: 8 }), offer(2, { price: 4 }), offer(3, { price: 6 })];
  expect(await verdictsOf(policy("cheapest"), seen(220, offers))).toEqual([
    "1 wait: a cheaper one may come",
    "2 wait: a cheaper one may come",
    "3 wait: a cheaper one may come",
  ]);
  expect(await untilOf(policy("cheapest"), seen(220, offers))).toEqual([221, 221, 221]);
  expect(await verdictsOf(policy("cheapest"), seen(221, offers))).toEqual([
    "2 confirm: the cheapest of 3 eligible: 0.4 OGPU; the next asks 0.6 OGPU",
  ]);
});

test("the cheapest is the lowest amount, though its digits come after those of a higher one", async () => {
  const offers = [offer(1, { price: 10 }), offer(2, { price: 9 }), offer(3, { price: 20 })];
  expect(await verdictsOf(policy("cheapest"), seen(900, offers))).toEqual([
    "2 confirm: the cheapest of 3 eligible: 0.9 OGPU; the next asks 1 OGPU",
  ]);
});

test("one that is not eligible neither opens the window nor wins", async () => {
  const broken = responseOf(1, { output: invalidOutput("not JSON"), response: { payment: ogpu(1) } });
  const offers = [broken, offer(2, { price: 7, at: 500 })];
  expect(await verdictsOf(policy("cheapest"), seen(500, offers))).toEqual([
    "1 reject: not JSON",
    "2 wait: a cheaper one may come",
  ]);
  expect(await untilOf(policy("cheapest"), seen(500, offers))).toEqual([undefined, 620]);
  expect((await verdictsOf(policy("cheapest"), seen(620, offers)))[1]).toMatch(/^2 confirm: the cheapest of 1/);
});

const windows: readonly (readonly [what: string, more: string, publishedAt: number | undefined, until: number])[] = [
  ["a span of its own", "window: { for: 10m }", undefined, 701],
  ["from the publication", "window: { from: published, for: 5m }", 50, 350],
  [
    "from the first response where the publication was not seen",
    "window: { from: published, for: 5m }",
    undefined,
    401,
  ],
  ["never later than ten minutes before the expiry", "window: { for: 100h }", undefined, 9_400],
  [
    "never later than the file says",
    `window: { for: 1h, latest: 'task.expiry - duration("2h30m")' }`,
    undefined,
    1_000,
  ],
  ["never at the expiry itself", "window: { for: 100h, latest: task.expiry + 5 }", undefined, 9_999],
];

test.each(windows)("a window closes %s", async (_what, more, publishedAt, until) => {
  const at = publishedAt === undefined ? undefined : unixSeconds(publishedAt);
  const candidate = seen(200, [offer(1, { price: 5 })], { publishedAt: at });
  expect(await untilOf(policy("cheapest", more), candidate)).toEqual([until]);
});

test("a window whose latest close cannot be told is a person's: nobody is paid before others could come", async () => {
  const judged = policy("cheapest", "window: { for: 5m, latest: now / (now - 200) }");
  const offers = [offer(1, { price: 5 }), offer(2, { price: 4 })];
  expect(await verdictsOf(judged, seen(200, offers))).toEqual(
    [1, 2].map((id) => `${id} hold: the window's latest close could not be evaluated`),
  );
});

test("a window from a publication that was not seen counts from the first response, also once that one is settled", async () => {
  const judged = policy("cheapest", "window: { from: published, for: 5m }");
  const settled = [{ response: offer(1, { price: 5 }).response, digest: "" }];
  expect(await untilOf(judged, seen(200, [offer(2, { price: 5, at: 150 })], { settled }))).toEqual([401]);
});

const ties: readonly (readonly [ties: string, verdicts: readonly string[]])[] = [
  ["earliest", ["1 confirm: the best of 3 eligible: score 0.5"]],
  ["cheapest", ["2 confirm: the best of 3 eligible: score 0.5"]],
  ["hold", [1, 2, 3].map((id) => `${id} hold: 2 have the same highest score`)],
];

test.each(ties)("best with ties: %s", async (rule, verdicts) => {
  const judged = policy("best", `score: output.json.score\nties: ${rule}`);
  const scores = [0.5, 0.5, 0.1];
  const offers = scores.map((score, index) => offer(index + 1, { price: 9 - index, json: { score } }));
  expect(await verdictsOf(judged, seen(900, offers))).toEqual(verdicts);
});

test("of equal scores at the same lowest price the earliest is paid", async () => {
  const judged = policy("best", "score: output.json.score\nties: cheapest");
  const offers = [5, 3, 3].map((price, index) => offer(index + 1, { price, json: { score: 1 } }));
  expect(await verdictsOf(judged, seen(900, offers))).toEqual(["2 confirm: the best of 3 eligible: score 1"]);
});

test("equal scores tie, though one is an integer and the other is not", async () => {
  const judged = policy("best", `score: "output.json.n >= 3 ? output.json.n : 3"\nties: cheapest`);
  const offers = [offer(1, { price: 9, json: { n: 0 } }), offer(2, { price: 2, json: { n: 3 } })];
  expect(await verdictsOf(judged, seen(900, offers))).toEqual(["2 confirm: the best of 2 eligible: score 3"]);
});

test("a score may be an amount; one that is no number loses", async () => {
  const byStake = policy("best", "score: task.payment - response.payment");
  const offers = [offer(1, { price: 9 }), offer(2, { price: 2 })];
  expect(await verdictsOf(byStake, seen(900, offers))).toEqual([
    "2 confirm: the best of 2 eligible: score 9800000000000000000",
  ]);
  const claimed = policy("best", "score: output.json.score");
  const claims = ["1e9", null, [9], 0.2].map((score, index) => offer(index + 1, { price: 5, json: { score } }));
  expect(await verdictsOf(claimed, seen(900, claims))).toEqual([
    "1 reject: score is no number",
    "2 reject: score is no number",
    "3 reject: score is no number",
    "4 confirm: the best of 1 eligible: score 0.2",
  ]);
});

const key = "key: output.json.label";
const says = (label: unknown) => ({ json: { label } });

test("a quorum counts masters, not providers", async () => {
  const judged = policy("quorum", `quorum: { count: 2, ${key} }`);
  const sybils = [1, 2, 3].map((id) => offer(id, { price: id, by: 7, ...says("cat") }));
  expect(await verdictsOf(judged, seen(200, sybils))).toEqual(
    [1, 2, 3].map((id) => `${id} wait: no quorum: 1 of 2 agree`),
  );
  const orphan = offer(4, { price: 4, by: 0, ...says("cat") });
  expect(await verdictsOf(judged, seen(900, [...sybils, orphan]))).toEqual(
    [1, 2, 3, 4].map((id) => `${id} hold: no quorum: 1 of 2 agree`),
  );
  const other = offer(5, { price: 5, by: 8, ...says("cat") });
  expect(await verdictsOf(judged, seen(200, [...sybils, other]))).toEqual([
    "1 confirm: 2 masters agree; paid is the first",
  ]);
});

test("a quorum picks among those who agree, and a wrong answer costs nothing", async () => {
  const judged = policy("quorum", `quorum: { count: 2, ${key}, pick: cheapest }`);
  const offers = [
    offer(1, { price: 8, ...says("cat") }),
    offer(2, { price: 1, ...says("dog") }),
    offer(3, { price: 6, ...says("cat") }),
  ];
  expect(await verdictsOf(judged, seen(200, offers))).toEqual(["3 confirm: 2 masters agree; paid is the cheapest"]);
});

test("answers that came too far apart do not agree: the later one may be a copy", async () => {
  const judged = policy("quorum", `quorum: { count: 2, ${key}, within: 30s }`);
  const first = offer(1, { price: 5, at: 100, ...says("cat") });
  const late = offer(2, { price: 5, at: 131, ...says("cat") });
  const inTime = offer(3, { price: 5, at: 130, ...says("cat") });
  expect((await verdictsOf(judged, seen(200, [first, late])))[0]).toBe("1 wait: no quorum: 1 of 2 agree");
  expect(await verdictsOf(judged, seen(200, [first, late, inTime]))).toEqual([
    "1 confirm: 2 masters agree; paid is the first",
  ]);
});

test("without a quorum the window's end decides as the file says; two equal groups are a person's", async () => {
  const offers = [
    offer(1, { price: 8, ...says("cat") }),
    offer(2, { price: 3, ...says("dog") }),
    offer(3, { price: 6, ...says("cow") }),
  ];
  const judge = (without: string) =>
    verdictsOf(policy("quorum", `quorum: { count: 2, ${key}${without} }`), seen(900, offers));
  expect(await judge("")).toEqual([1, 2, 3].map((id) => `${id} hold: no quorum: 1 of 2 agree`));
  expect(await judge(", without: cheapest")).toEqual([
    "2 confirm: no quorum: 1 of 2 agree; without one the cheapest is paid",
  ]);
  expect(await judge(", without: first")).toEqual([
    "1 confirm: no quorum: 1 of 2 agree; without one the first is paid",
  ]);
  const split = ["a", "a", "b", "b"].map((label, index) => offer(index + 1, { price: 5, ...says(label) }));
  const closed = policy("quorum", `quorum: { count: 2, ${key}, decide: closed }`);
  expect((await verdictsOf(closed, seen(200, split)))[0]).toBe("1 wait: more may agree, or disagree");
  expect((await verdictsOf(closed, seen(900, split)))[0]).toBe("1 hold: two answers have 2 votes each");
});

test("two groups that both are a quorum are a person's at once, also while the window is open", async () => {
  const split = ["a", "a", "b", "b"].map((label, index) => offer(index + 1, { price: 5, ...says(label) }));
  expect(await verdictsOf(policy("quorum", `quorum: { count: 2, ${key} }`), seen(200, split))).toEqual(
    [1, 2, 3, 4].map((id) => `${id} hold: two answers have 2 votes each`),
  );
});

test("answers to which the plug-in gave no key agree with nobody, not with each other", () => {
  const contenders = [1, 2].map((id) => ({ item: offer(id, { price: 5 }), assessment: { kind: "eligible" } as const }));
  const terms = { count: 2, pick: "first", without: "hold", decide: "reached" } as const;
  const choose = quorum({ ...terms, key: undefined, withinSeconds: undefined });
  expect(choose(contenders, true)).toEqual({ kind: "nobody", reason: "no quorum: 0 of 2 agree" });
});

test("the first that is eligible is paid, but where a person decides: each is held with the others then", async () => {
  const offers = [offer(1, { price: 5 }), offer(2, { price: 4 })];
  expect(await verdictsOf(policy("first"), seen(200, offers))).toEqual(["1 confirm: eligible, and the first"]);
  const left = seen(200, offers, { isLeftToPerson: true });
  expect(await verdictsOf(policy("first"), left)).toEqual(
    [1, 2].map((id) => `${id} hold: eligible, and came while a person decides between others of this task`),
  );
});

test("equal keys are equal values, however they are written", async () => {
  const judged = policy("quorum", "quorum: { count: 2, key: output.json.answer }");
  const agree = async (a: unknown, b: unknown) => {
    const offers = [a, b].map((answer, index) => offer(index + 1, { price: 5, json: { answer } }));
    return (await verdictsOf(judged, seen(200, offers)))[0];
  };
  expect(await agree({ x: 1, y: [2] }, { y: [2], x: 1.0 })).toMatch(/^1 confirm/);
  expect(await agree(1, "1")).toMatch(/^1 wait/);
  expect(await agree({ x: 1, y: [2] }, { x: 1, y: [2, 3] })).toMatch(/^1 wait/);
  expect(await agree(null, null)).toMatch(/^1 reject: key is no text/);
});

test("manual asks a person of every eligible one, at once or when the window closes", async () => {
  const offers = [offer(1, { price: 8 }), responseOf(2, { output: invalidOutput("HTTP 404") })];
  expect(await verdictsOf(policy("manual"), seen(200, offers))).toEqual([
    "1 hold: eligible: a person decides",
    "2 reject: HTTP 404",
  ]);
  expect((await verdictsOf(policy("manual", "window: { for: 1h }"), seen(200, offers)))[0]).toBe(
    "1 wait: a person decides when the window closes",
  );
});

test("siblings are facts: an answer that was copied is told from its model", async () => {
  const text = "!siblings.exists(s, s.digest == output.digest && s.submittedAt < response.submittedAt)";
  const file = `apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: cheapest\neligible: ${JSON.stringify(text)}\n`;
  const [judged] = loadPolicies(folderOf({ "a.yaml": file })).policies;
  if (!judged) throw new Error("no policy");
  const copy = offer(2, { price: 1 });
  expect(await verdictsOf(judged, seen(900, [offer(1, { price: 9 }), copy]))).toEqual([
    "1 confirm: the cheapest of 1 eligible: 0.9 OGPU",
    `2 reject: ${text} is false`,
  ]);
  const settled = [{ response: offer(1, { price: 9 }).response, digest: "d" }];
  expect(await verdictsOf(judged, seen(900, [copy], { settled }))).toEqual([`2 reject: ${text} is false`]);
});

test("a provider's stake and history are facts", async () => {
  const text = 'provider.eligible && provider.lockup >= ogpu("0.1") && provider.rejected * 10 <= provider.seen';
  const file = `apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: first\neligible: ${JSON.stringify(text)}\n`;
  const [judged] = loadPolicies(folderOf({ "a.yaml": file })).policies;
  if (!judged) throw new Error("no policy");
  expect(judged.needs).toMatchObject({ stake: true, history: true, json: false, text: false, siblings: false });
  const history = { seen: 20, approved: 10, price: ogpu(3) };
  const of = (rejected: number) => {
    const item = offer(1, { price: 5 });
    return { ...item, provider: { ...item.provider, ...history, rejected } };
  };
  expect(await verdictsOf(judged, seen(200, [of(2)]))).toEqual(["1 confirm: eligible, and the first"]);
  expect(await verdictsOf(judged, seen(200, [of(3)]))).toEqual([
    "1 reject: provider.rejected * 10 <= provider.seen is false",
  ]);
  expect((await verdictsOf(judged, seen(200, [responseOf(1)])))[0]).toMatch(/^1 hold: eligible could not be evaluated/);
});

test("what a payload is needed for, and what not", () => {
  expect(policy("quorum", `quorum: { count: 2, ${key} }`).needs).toMatchObject({ stake: true, json: true });
  expect(policy("cheapest").needs).toMatchObject({ output: true, json: false, stake: false, history: false });
  expect(policy("cheapest").comparesSiblings).toBe(true);
  expect(policy("first").comparesSiblings).toBe(false);
});
