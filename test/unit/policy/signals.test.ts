import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import type { FactsJson } from "../../../src/policy/factsJson.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import type { CandidateResponse } from "../../../src/policy/policyPort.ts";
import type { SignalSpec } from "../../../src/policy/policySpec.ts";
import { createHttpSignals } from "../../../src/policy/signals/httpSignals.ts";
import type { SignalAnswer, Signals } from "../../../src/policy/signals/signalsPort.ts";
import { unixSeconds } from "../../../src/protocol/brand.ts";
import { candidateOf, folderOf, ogpu, outputOf, responseOf, verdictsOf } from "./support.ts";

type Handler = (
  body: string,
  headers: Readonly<Record<string, unknown>>,
) => { status?: number; body?: string } | "hang";

async function judgeOf(handler: Handler): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push(body);
    const answer = handler(body, request.headers);
    if (answer !== "hang") response.writeHead(answer.status ?? 200).end(answer.body ?? '{"score":0.9}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/score`, asked };
}

const spec = (url: string, more: Partial<SignalSpec> = {}): SignalSpec => ({
  ...{ name: "quality", url, timeoutMs: 5_000, retries: 1, perHour: 10, secret: undefined },
  ...more,
});
const factsOf = (address = "0x1") =>
  ({ task: { address: "0x0" }, response: { address }, output: { digest: "d" } }) as FactsJson;
const signals = (options = {}) =>
  createHttpSignals({ secretOf: () => "s3cret", pause: async () => undefined, ...options });

test("a judge gets the facts, signed, and its answer is remembered", async () => {
  let signed = false;
  const { url, asked } = await judgeOf((body, headers) => {
    const mac = createHmac("sha256", "s3cret").update(`${headers["x-ogpu-timestamp"]}.${body}`).digest("hex");
    signed = headers["x-ogpu-signature"] === `sha256=${mac}`;
    return {};
  });
  const judges = signals();
  const ask = () => judges.ask(spec(url, { secret: "JUDGE" }), factsOf());
  expect(await ask()).toEqual({ ok: true, answer: { score: 0.9 } });
  expect(signed).toBe(true);
  await ask();
  expect(asked.map((body) => JSON.parse(body))).toEqual([{ signal: "quality", facts: factsOf() }]);
});

test("an answer is one for this judge, task, response and payload: what another payload was told is not believed", async () => {
  const asked: string[] = [];
  const fetch = async (url: string | URL | Request, request?: RequestInit) => {
    asked.push(`${url} ${JSON.parse(String(request?.body)).signal}`);
    return new Response(String(asked.length));
  };
  const judges = signals({ fetch });
  const facts = (task: string, response: string, digest: string) =>
    ({ task: { address: task }, response: { address: response }, output: { digest } }) as FactsJson;
  const good = spec("https://a.example/");
  const questions: readonly (readonly [SignalSpec, FactsJson])[] = [
    [good, facts("0x0", "0x1", "d")],
    [good, facts("0x0", "0x1", "another payload")],
    [good, facts("0x0", "0x2", "d")],
    [good, facts("0x9", "0x1", "d")],
    [{ ...good, name: "style" }, facts("0x0", "0x1", "d")],
    [{ ...good, url: "https://b.example/" }, facts("0x0", "0x1", "d")],
  ];
  for (const round of [1, 2])
    for (const [index, question] of questions.entries())
      expect([round, await judges.ask(...question)]).toEqual([round, { ok: true, answer: index + 1 }]);
  expect(asked.at(-1)).toBe("https://b.example/ quality");
});

test("no more answers are remembered than there is room for: the oldest goes first", async () => {
  let asked = 0;
  const judges = signals({ fetch: async () => new Response(String(++asked)) });
  const ask = (id: number) => judges.ask(spec(`https://a.example/${id}`), factsOf());
  for (let id = 0; id <= 10_000; id++) await ask(id);
  await ask(10_000);
  expect(asked).toBe(10_001);
  await ask(0);
  expect(asked).toBe(10_002);
});

test("a judge that does not answer is given more time with each try, and the hour of each request", async () => {
  const [pauses, stamps]: [number[], unknown[]] = [[], []];
  const { url } = await judgeOf((_body, headers) => {
    stamps.push(headers["x-ogpu-timestamp"]);
    return { status: 503 };
  });
  let now = 1_500;
  const pause = async (ms: number) => {
    pauses.push(ms);
    now += 1_000;
  };
  await signals({ now: () => now, pause }).ask(spec(url, { retries: 3, secret: "JUDGE" }), factsOf());
  expect(pauses).toEqual([500, 1_000, 2_000]);
  expect(stamps).toEqual(["1", "2", "3", "4"]);
});

test("a budget that was made smaller has room again when as many as it allows are an hour old", async () => {
  let now = 0;
  const judges = signals({ now: () => now, fetch: async () => new Response("true") });
  const ask = (id: number, perHour: number) => judges.ask(spec("https://a.example/", { perHour }), factsOf(`0x${id}`));
  for (const id of [1, 2, 3]) {
    now += 60_000;
    expect((await ask(id, 3)).ok).toBe(true);
  }
  now = 240_000;
  expect(await ask(4, 2)).toMatchObject({ ok: false, againInMs: 3_600_000 + 120_000 - 240_000 });
  expect(await ask(4, 1)).toMatchObject({ ok: false, againInMs: 3_600_000 + 180_000 - 240_000 });
});

test("the hour of a budget is an hour, also where the machine's clock is set back meanwhile", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const judges = signals({ fetch: async () => new Response("true") });
  const ask = (id: number) => judges.ask(spec("https://a.example/", { perHour: 1 }), factsOf(`0x${id}`));
  expect((await ask(1)).ok).toBe(true);
  vi.setSystemTime(Date.now() - 86_400_000);
  const refused = await ask(2);
  expect(!refused.ok && refused.againInMs).toBeLessThanOrEqual(3_600_000);
});

const hangs: Handler = () => "hang";
const failures: readonly (readonly [what: string, handler: Handler, error: string])[] = [
  ["answers an error", () => ({ status: 500 }), "the judge quality answered HTTP 500"],
  ["answers no JSON", () => ({ body: "<html>" }), "the judge quality answered no JSON"],
  ["leads elsewhere", () => ({ status: 302 }), "the judge quality could not be reached"],
  ["says too much", () => ({ body: `"${"x".repeat(70_000)}"` }), "the judge quality answered more than 65536 bytes"],
  ["does not answer", hangs, "the judge quality did not answer in time"],
];

test.each(failures)("one that %s is asked again, and then not believed", async (_what, handler, error) => {
  const { url, asked } = await judgeOf(handler);
  const timeoutMs = handler === hangs ? 300 : 5_000;
  expect(await signals().ask(spec(url, { timeoutMs }), factsOf())).toEqual({ ok: false, error });
  expect(asked).toHaveLength(2);
});

test("no more requests are made than the hour's budget allows, and none without the secret", async () => {
  const { url, asked } = await judgeOf(() => ({}));
  let now = 0;
  const judges = signals({ now: () => now });
  const ask = (id: number) => judges.ask(spec(url, { perHour: 2 }), factsOf(`0x${id}`));
  expect([(await ask(1)).ok, (await ask(2)).ok]).toEqual([true, true]);
  now = 600_000;
  const error = "the judge quality has been asked 2 times within the hour";
  expect(await ask(3)).toEqual({ ok: false, error, againInMs: 3_000_000 });
  now = 3_600_001;
  expect((await ask(3)).ok).toBe(true);
  expect(await signals({ secretOf: () => undefined }).ask(spec(url, { secret: "JUDGE" }), factsOf())).toEqual({
    ok: false,
    error: "the judge quality has no secret: set JUDGE",
  });
  expect(asked).toHaveLength(3);
});

test("a judge is asked only where everything else holds; a silent one is waited for", async () => {
  const { url, asked } = await judgeOf((body) => ({
    body: `{"score": ${JSON.parse(body).facts.output.json.label === "good" ? 0.9 : 0.1}}`,
  }));
  const text = `apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: cheapest\nwindow: { for: 1s }
signals: { quality: { url: "${url}" } }
eligible: output.valid && output.json.label != "spam" && signals.quality.score >= 0.5\n`;
  const labelled = ["spam", "good", "bad", "good"].map((label, index) =>
    responseOf(index + 1, { output: { ...outputOf({ label }), digest: label } }),
  );
  const [judged] = loadPolicies(folderOf({ "a.yaml": text }), { signals: signals() }).policies;
  if (!judged) throw new Error("no policy");
  expect(await verdictsOf(judged, candidateOf(labelled))).toEqual([
    '1 reject: output.json.label != "spam" is false',
    "2 confirm: the cheapest of 2 eligible: 0.5 OGPU",
    "3 reject: signals.quality.score >= 0.5 is false",
  ]);
  expect(asked).toHaveLength(3);
  const recorded = (await judged.judge(candidateOf(labelled))).find(({ kind }) => kind === "confirm");
  expect(JSON.parse(recorded?.facts?.json ?? "{}").signals).toEqual({ quality: { score: 0.9 } });
  const [silent] = loadPolicies(folderOf({ "a.yaml": text })).policies;
  expect(await verdictsOf(silent as never, candidateOf([labelled[1] as never]))).toEqual([
    "2 wait: the judge quality cannot be asked here",
  ]);
});

const silent: SignalAnswer = { ok: false, error: "it did not answer" };
const noRoom: SignalAnswer = { ok: false, error: "its hour is used up", againInMs: 1_800_000 };
const good: SignalAnswer = { ok: true, answer: { ok: true } };

/** Two judges of which the word of one is enough; `asked` lists whom they were asked about. */
function twoJudges(strategy: string, answers: Readonly<Record<string, SignalAnswer>>) {
  const asked: string[] = [];
  const ask: Signals["ask"] = async ({ name }, { response }) => {
    asked.push(`${name} of ${response.address[2]}`);
    return answers[name] ?? silent;
  };
  const text = `apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: ${strategy}
signals: { one: { url: "https://one.example/" }, two: { url: "https://two.example/" } }
eligible: output.valid && (signals.one.ok || signals.two.ok)\n`;
  const [judged] = loadPolicies(folderOf({ "a.yaml": text }), { signals: { ask } }).policies;
  if (!judged) throw new Error("no policy");
  return { judged, asked };
}

test.each([
  ["is silent", { one: good, two: silent }, "1 wait document until 1005: it did not answer"],
  ["has no room within the hour", { one: good, two: noRoom }, "1 wait turn until 1999: its hour is used up"],
  [
    "is silent, and the other has no room",
    { one: noRoom, two: silent },
    "1 wait document until 1005: it did not answer",
  ],
])("nobody is paid on one judge's word while the other %s", async (_what, answers, expected) => {
  const { judged } = twoJudges("first", answers);
  const verdicts = await judged.judge(candidateOf());
  expect(
    verdicts.map(({ response, kind, waitsFor, until, reason }) => {
      return `${response[2]} ${kind} ${waitsFor} until ${until}: ${reason}`;
    }),
  ).toEqual([expected]);
});

test("no judge is asked about those that came after the first that is paid", async () => {
  const { judged, asked } = twoJudges("first", { one: good, two: good });
  const dear = responseOf(3, { response: { payment: ogpu(200) } });
  expect(await verdictsOf(judged, candidateOf([responseOf(1), responseOf(2), dear]))).toEqual([
    "1 confirm: eligible, and the first",
  ]);
  expect(asked).toEqual(["one of 1", "two of 1"]);
});

test("a request that failed is a try, also where the hour has no room for another one", async () => {
  const { url, asked } = await judgeOf(() => ({ status: 500 }));
  const judges = signals();
  const ask = () => judges.ask(spec(url, { perHour: 1 }), factsOf());
  expect(await ask()).toEqual({ ok: false, error: "the judge quality answered HTTP 500" });
  expect(await ask()).toMatchObject({ ok: false, againInMs: expect.any(Number) });
  expect(asked).toHaveLength(1);
});

test("a response whose judge's hour is used up waits for the hour to have room, however often; at the task's end it is held", async () => {
  const { url } = await judgeOf((body) => ({
    body: `{"score": ${JSON.parse(body).facts.output.json.label === "good" ? 0.9 : 0.1}}`,
  }));
  const text = `apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: first
signals: { quality: { url: "${url}", perHour: 1 } }\neligible: output.valid && signals.quality.score >= 0.5\n`;
  let now = 0;
  const [policy] = loadPolicies(folderOf({ "a.yaml": text }), { signals: signals({ now: () => now }) }).policies;
  if (!policy) throw new Error("no policy");
  const [bad, good] = ["bad", "good"].map((label, index) =>
    responseOf(index + 1, { output: { ...outputOf({ label }), digest: label }, waits: 3 }),
  ) as [CandidateResponse, CandidateResponse];
  const seen = (second: number, expiryTime: number, responses = [good]) =>
    candidateOf(responses, { now: unixSeconds(second), task: { expiryTime: unixSeconds(expiryTime) } });
  const [rejected, waiting] = await policy.judge(seen(1_000, 9_000, [bad, good]));
  expect(rejected).toMatchObject({ kind: "reject", reason: "signals.quality.score >= 0.5 is false" });
  const reason = "the judge quality has been asked 1 times within the hour";
  expect(waiting).toMatchObject({ kind: "wait", waitsFor: "turn", reason, until: 4_600 });
  now = 1_800_000;
  expect(await policy.judge(seen(2_800, 9_000))).toMatchObject([{ kind: "wait", waitsFor: "turn", until: 4_600 }]);
  expect(await policy.judge(seen(2_800, 4_000))).toMatchObject([{ kind: "wait", waitsFor: "turn", until: 3_999 }]);
  expect(await policy.judge(seen(3_999, 4_000))).toMatchObject([{ kind: "hold", reason }]);
  now = 3_600_000;
  expect(await policy.judge(seen(4_600, 9_000))).toMatchObject([{ kind: "confirm" }]);
});
