import { request } from "node:http";
import { describe, expect, it } from "vitest";
import type { Decision } from "../../../../src/journal/journal.ts";
import { unixSeconds, wei } from "../../../../src/protocol/brand.ts";
import type { Report } from "../../../../src/report.ts";
import { eventsOf, pageToken, startTestServer } from "../../../support/operatorServer.ts";

const task = `0x${"11".repeat(20)}` as never;
const response = `0x${"22".repeat(20)}` as never;
const source = `0x${"33".repeat(20)}` as never;
const body = "the secret answer of a stranger <script>alert(1)</script>";
const who = { who: "ada", why: "read it" };

const decision = (kind: Decision["kind"]): Decision => ({
  task,
  response,
  kind,
  reason: "a person decides",
  until: undefined,
  policy: "manual",
  policyDigest: "d".repeat(64),
  mode: "enforce",
  block: { number: 5n, hash: `0x${"44".repeat(32)}` },
  payloadDigest: "",
  payment: wei(8n * 10n ** 17n),
  offered: wei(10n ** 18n),
  responseDigest: "r",
  facts: {
    digest: "f",
    json: JSON.stringify({
      now: 1_700_000_000,
      task: { payment: "1000000000000000000", config: { data: body } },
      output: { valid: true, json: { answer: body }, text: body, bytes: 57 },
      signals: { judge: body, score: 0.9 },
    }),
  },
});

const json = async (answer: globalThis.Response) => (await answer.json()) as Record<string, unknown>;

type Server = Awaited<ReturnType<typeof startTestServer>>;
const hold = async ({ journal }: Server): Promise<number> => {
  await journal.intake({ tasks: [{ task, source }], responses: [{ task, response }], touched: [] });
  await journal.decide([decision("hold")], 1_000);
  return (await journal.held())[0]?.id ?? 0;
};

describe("what changes something", () => {
  it.each<readonly [string, Record<string, string>, number]>([
    ["no token", {}, 401],
    ["a wrong token", { authorization: "Bearer wrong" }, 401],
    ["the token's beginning", { authorization: `Bearer ${pageToken.slice(0, -1)}` }, 401],
    ["another scheme", { authorization: `Basic ${pageToken}` }, 401],
    ["another site", { authorization: `Bearer ${pageToken}`, "sec-fetch-site": "cross-site" }, 403],
    ["another origin", { authorization: `Bearer ${pageToken}`, origin: "http://evil.example" }, 403],
  ])("is refused with %s, and nothing is changed", async (_, headers, status) => {
    const server = await startTestServer();
    const id = await hold(server);
    for (const path of [`/api/held/${id}`, "/api/pause", "/api/resume", "/api/session"]) {
      expect((await server.post(path, { kind: "approve", ...who }, headers)).status).toBe(status);
    }
    expect(await server.journal.held()).toHaveLength(1);
    expect(await server.journal.pause()).toBeUndefined();
    expect(await (await server.get("/metrics")).text()).toMatch(/refused_changes_total\{reason="(token|origin)"\} 4/);
    expect(server.log()).not.toContain(pageToken);
  });

  it("is refused altogether where there is no token file", async () => {
    const server = await startTestServer({ token: "" });
    expect((await server.post("/api/pause", who, { authorization: "Bearer x" })).status).toBe(403);
    expect((await json(await server.get("/status"))).canChange).toBe(false);
  });

  it("takes a person's word on a held response once, with name and reason", async () => {
    const server = await startTestServer();
    const id = await hold(server);
    const approved = await server.post(`/api/held/${id}`, { kind: "approve", ...who });
    expect([approved.status, await approved.json()]).toEqual([200, { id, kind: "approve", ...who }]);
    expect((await server.journal.task(task))?.answers).toMatchObject([{ verdictId: id, kind: "approve", ...who }]);
    const again = await server.post(`/api/held/${id}`, { kind: "reject", ...who });
    expect([again.status, (await json(again)).error]).toEqual([409, expect.stringContaining("not held any more")]);
    expect(server.log()).toMatch(/"who":"ada".*a person answered/);
  });

  it.each([
    [{ kind: "approve" }, "who"],
    [{ kind: "approve", who: "ada" }, "why"],
    [{ kind: "approve", who: "ada", why: " " }, "why"],
    [{ kind: "approve", who: "\u200b", why: "x" }, "who"],
    [{ kind: "approve", who: "ada", why: "\u0000\u2060 \u{e0020}" }, "why"],
    [{ kind: "pay", ...who }, "kind"],
    [{ kind: "approve", who: "a".repeat(101), why: "x" }, "who"],
    ["text", "who"],
  ])("refuses %j, and says what is missing", async (given, field) => {
    const server = await startTestServer();
    const id = await hold(server);
    const refused = await server.post(`/api/held/${id}`, given);
    expect([refused.status, (await json(refused)).error]).toEqual([400, expect.stringContaining(field)]);
    expect(await server.journal.held()).toHaveLength(1);
  });

  it("pauses and resumes, and keeps who did and why on one line", async () => {
    const server = await startTestServer();
    expect((await server.post("/api/pause", { who: "ada", why: "odd\nprices" })).status).toBe(200);
    expect(await server.journal.pause()).toMatchObject({ by: "operator", who: "ada", why: "odd prices" });
    expect((await json(await server.post("/api/resume", who))).wasPaused).toBe(true);
    expect(await server.journal.pause()).toBeUndefined();
  });

  const often = async (times: number, ask: () => Promise<globalThis.Response>): Promise<number[]> => {
    const statuses: number[] = [];
    for (let index = 0; index < times; index++) statuses.push((await ask()).status);
    return statuses;
  };
  const sixty = (status: number) => Array.from({ length: 60 }, () => status);

  it("answers 429 to whoever guesses too often, and never for that to whoever shows the right token", async () => {
    const server = await startTestServer();
    const guess = () => server.post("/api/pause", who, { authorization: "Bearer guess" });
    expect(await often(62, guess)).toEqual([...sixty(401), 429, 429]);
    expect((await server.post("/api/pause", who)).status).toBe(200);
    expect(await server.journal.pause()).toMatchObject({ by: "operator", who: "ada" });
    expect((await guess()).status).toBe(429);
  });

  it("refuses another site's page before it counts, in few words, so that nobody is kept from pausing", async () => {
    const server = await startTestServer();
    // As a browser sends it without asking first: `fetch(url, { method: "POST", mode: "no-cors" })`.
    const foreign = { "content-type": "text/plain", origin: "http://evil.example", "sec-fetch-site": "cross-site" };
    const statuses = await often(62, () => server.post("/api/pause", "x", foreign));
    expect(new Set(statuses)).toEqual(new Set([403]));
    expect((await server.post("/api/pause", who, { authorization: "Bearer guess" })).status).toBe(401);
    expect((await server.post("/api/pause", who)).status).toBe(200);
    const metrics = await (await server.get("/metrics")).text();
    expect(metrics).toMatch(/refused_changes_total\{reason="origin"\} 62/);
    expect(metrics).toMatch(/refused_changes_total\{reason="rate"\} 0/);
    expect(server.log().match(/"reason":"origin".*a change over HTTP was refused/g)).toHaveLength(1);
  });

  it("bounds the right token by itself, for each kind of change", async () => {
    const server = await startTestServer();
    const open = () => server.post("/api/session", {});
    expect(await often(61, open)).toEqual([...sixty(204), 429]);
    expect((await server.post("/api/session", {}, { authorization: "Bearer guess" })).status).toBe(401);
    expect((await server.post("/api/pause", who)).status).toBe(200);
  });
});

describe("what is shown", () => {
  it("is refused under a host name that nobody allowed, so that no web page can rebind to it", async () => {
    const server = await startTestServer({ flags: { "http-allowed-hosts": "ops.example" } });
    const statusFor = (host: string) =>
      new Promise((resolve, reject) => {
        request(`${server.base}/status`, { headers: { host } }, ({ statusCode }) => resolve(statusCode))
          .on("error", reject)
          .end();
      });
    expect(await statusFor("evil.example")).toBe(421);
    for (const host of ["ops.example", "ops.example:9464", "localhost:1", "127.0.0.1:9", "[::1]:9"]) {
      expect([host, await statusFor(host)]).toEqual([host, 200]);
    }
  });

  it("tells a task's facts without a payload's text, its config's or a judge's", async () => {
    const server = await startTestServer();
    await hold(server);
    const found = await server.get(`/api/tasks/${task}`);
    const text = await found.text();
    expect(text).not.toContain("stranger");
    const { verdicts } = JSON.parse(text);
    expect(verdicts[0]).toMatchObject({ kind: "hold", policyDigest: "d".repeat(64), payment: "800000000000000000" });
    expect(verdicts[0].facts).toContainEqual({ name: "task.payment", value: "1 OGPU" });
    expect(verdicts[0].facts).toContainEqual({ name: "output.text", value: `(${body.length} characters, not shown)` });
    expect(verdicts[0].facts).toContainEqual({ name: "signals.score", value: "0.9" });
  });

  it.each([
    ["/api/tasks/0x12", 400],
    [`/api/tasks/0x${"99".repeat(20)}`, 404],
    ["/api/money?span=century", 400],
    ["/../package.json", 404],
    ["/%2e%2e/package.json", 404],
    ["/tsconfig.json", 404],
  ])("answers %s with %i", async (path, status) => {
    const server = await startTestServer();
    expect((await server.get(path)).status).toBe(status);
  });

  it("serves the page and every file that it names, from the package", async () => {
    const server = await startTestServer();
    const page = await server.get("/");
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*src=)|style="|onclick=|https?:\/\//);
    for (const path of ["/main.js", "/style.css", "/icon.svg", "/views/held.js"]) {
      const file = await server.get(path);
      expect([path, file.status]).toEqual([path, 200]);
      const cached = await server.get(path, { "if-none-match": file.headers.get("etag") ?? "" });
      expect([path, cached.status]).toEqual([path, 304]);
    }
  });

  it("masks credentials in the configuration", async () => {
    const server = await startTestServer({
      flags: { "rpc-http": "https://user:pass@node.example/v2/0123456789abcdef" },
    });
    const text = await (await server.get("/api/config")).text();
    expect(text).toContain("node.example");
    expect(text).not.toMatch(/pass@|0123456789abcdef/);
  });
});

describe("the live stream", () => {
  const head: Report = { type: "head", number: 9n, timestamp: unixSeconds(1) };

  it("begins with the newest entries and the status, then tells what is new", async () => {
    const server = await startTestServer();
    const { report } = server.observers;
    report(head);
    report({ type: "verdict", decision: decision("reject") });
    const stop = new AbortController();
    const events = eventsOf(server.base, stop.signal);
    const hello = (await events.next()).value as unknown as {
      event: string;
      data: { entries: unknown[]; status: object };
    };
    expect(hello).toMatchObject({
      event: "hello",
      data: { entries: [{ kind: "verdict", state: "reject" }], status: { head: { number: "9" } } },
    });
    report({ type: "verdict", decision: decision("confirm") });
    for await (const { event, data } of events) {
      if (event !== "entries") continue;
      expect(data).toMatchObject({
        skipped: 0,
        entries: [{ kind: "verdict", state: "confirm", payment: "800000000000000000" }],
      });
      break;
    }
    stop.abort();
  });

  it("tells how many entries it left out when they come too fast", async () => {
    const server = await startTestServer();
    const stop = new AbortController();
    const events = eventsOf(server.base, stop.signal);
    await events.next();
    for (let index = 0; index < 3_000; index++)
      server.observers.report({ type: "verdict", decision: decision("reject") });
    for await (const { event, data } of events) {
      if (event !== "entries") continue;
      const { skipped, entries } = data as { skipped: number; entries: unknown[] };
      expect([skipped + entries.length, entries.length]).toEqual([3_000, 200]);
      break;
    }
    stop.abort();
  });

  it("is given to those who read it alone: HEAD holds no reader's place", async () => {
    const server = await startTestServer();
    const asked = await fetch(`${server.base}/api/events`, { method: "HEAD" });
    expect(asked.status).toBe(404);
    expect(await (await server.get("/metrics")).text()).toMatch(/ogpu_confirmd_page_readers 0/);
  });

  it.each<readonly [string, Record<string, string>, number]>([
    ["the page itself", { "sec-fetch-site": "same-origin" }, 200],
    ["a person who opens it by its address", { "sec-fetch-site": "none" }, 200],
    ["what is no browser", {}, 200],
    ["another site's page", { "sec-fetch-site": "cross-site" }, 403],
    ["a page on another port", { "sec-fetch-site": "same-site" }, 403],
    ["another origin", { origin: "http://evil.example" }, 403],
  ])("answers %s, whose headers are %j, with %i", async (_, headers, status) => {
    const server = await startTestServer();
    const stop = new AbortController();
    const { status: given } = await fetch(`${server.base}/api/events`, { headers, signal: stop.signal });
    const readers = /^ogpu_confirmd_page_readers (\d+)$/m.exec(await (await server.get("/metrics")).text())?.[1];
    stop.abort();
    expect([given, readers]).toEqual([status, status === 200 ? "1" : "0"]);
  });

  it("drops a reader that does not read, and goes on for the others", async () => {
    const server = await startTestServer();
    const stuck = request(`${server.base}/api/events`);
    const gone = new Promise((resolve) => {
      stuck.on("response", (answer) => {
        answer.pause();
        answer.on("close", resolve);
        answer.on("error", resolve);
      });
    });
    stuck.on("error", () => undefined);
    stuck.end();
    const long = { ...decision("reject"), policy: "x".repeat(2_000) };
    const filling = setInterval(() => {
      for (let index = 0; index < 400; index++) server.observers.report({ type: "verdict", decision: long });
    }, 50);
    for (;;) {
      const text = await (await server.get("/metrics")).text();
      if (/page_readers_dropped_total 1/.test(text)) break;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    clearInterval(filling);
    stuck.destroy();
    await gone;
    expect(await (await server.get("/metrics")).text()).toMatch(/ogpu_confirmd_page_readers 0/);
  });
});

it("goes on when an onlooker throws, counts it and says so", async () => {
  const server = await startTestServer();
  server.observers.report({ type: "verdict", decision: undefined as never });
  expect(await (await server.get("/metrics")).text()).toMatch(/observer_errors_total [1-9]/);
  expect(server.log()).toContain("an onlooker could not take a report");
});
