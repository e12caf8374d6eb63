import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Confirmation } from "../../../src/journal/journal.ts";
import type { AlertChange, Notice } from "../../../src/ops/alerts/alert.ts";
import { createAlerts } from "../../../src/ops/alerts/createAlerts.ts";
import { behind, unsigned } from "../../../src/ops/alerts/ownAlerts.ts";
import { type WebhookFormat, webhookBody } from "../../../src/ops/alerts/templates.ts";
import { createWebhook, type WebhookOptions } from "../../../src/ops/alerts/webhook.ts";
import { createUnsignedBoard } from "../../../src/ops/board/unsigned.ts";
import type { AccountAddress, ResponseAddress, TaskAddress } from "../../../src/protocol/brand.ts";
import { toNonce, wei } from "../../../src/protocol/brand.ts";
import type { Report } from "../../../src/report.ts";
import { closedPort } from "../../support/closedPort.ts";

const minute = 60_000;
const signer = `0x${"5".repeat(40)}` as AccountAddress;
const confirmation = (state: Confirmation["state"]): Confirmation => ({
  id: 7,
  task: `0x${"1".repeat(40)}` as TaskAddress,
  response: `0x${"2".repeat(40)}` as ResponseAddress,
  verdictId: 1,
  payment: wei(1n),
  responseDigest: "",
  state,
  reason: "nobody knows",
  nonce: toNonce(3),
  mined: undefined,
  attempts: [],
});

const setup = (look: (now: number) => readonly AlertChange[] = () => []) => {
  const scheduler = new VirtualTimeScheduler(undefined, Number.POSITIVE_INFINITY);
  const told: string[] = [];
  let stoodMs = 0;
  const alerts = createAlerts({
    clock: { now: () => scheduler.frame + stoodMs, scheduler },
    repeatAfterMs: 60 * minute,
    lastingMs: 2 * minute,
    tell: ({ state, key, repeats }) => told.push(`${state} ${key}${repeats ? ` +${repeats}` : ""}`),
    look,
  });
  const passes = (ms: number) => {
    scheduler.maxFrames = scheduler.frame + ms;
    scheduler.schedule(() => undefined, ms);
    scheduler.flush();
  };
  const standsStill = (ms: number) => {
    stoodMs += ms;
  };
  return { alerts, told, passes, standsStill };
};

const ceiling = (reached: boolean) =>
  ({
    type: "ceiling",
    cap: "guardrails.perDay",
    scope: "all",
    limit: wei(5n),
    ...(reached ? { reached, used: wei(5n), until: 0 } : { reached }),
  }) as Report;
const down: Report = { type: "endpoint", endpoint: "rpc.example", event: "down", error: new Error("no"), forMs: 1 };
const refused: Report = { ...down, event: "refused" };
const ahead: Report = { ...down, event: "ahead" };
const up: Report = { type: "endpoint", endpoint: "rpc.example", event: "up" };
const stranger: Report = { type: "stranger", signer, from: toNonce(1), to: toNonce(1), where: "mined" };
const answer = { type: "answer", confirmation: confirmation("signed"), answer: "no-funds", message: "" } as const;
const balance = (low: boolean): Report => ({ type: "balance", signer, balance: wei(1n), confirmations: 3, low });
const confirmed = (state: Confirmation["state"]): Report => ({
  type: "confirmation",
  confirmation: confirmation(state),
});

describe("alerts", () => {
  it.each<readonly [string, Report, Report, string]>([
    ["a ceiling", ceiling(true), ceiling(false), "ceiling guardrails.perDay all"],
    [
      "a price above a ceiling",
      { ...ceiling(true), until: undefined } as Report,
      ceiling(false),
      "ceiling guardrails.perDay all",
    ],
    [
      "a pause",
      { type: "paused", by: "operator", who: "ann", why: "lunch", at: 0 },
      { type: "resumed", who: "ann", why: "back" },
      "paused",
    ],
    ["a low balance", balance(true), balance(false), `balance ${signer}`],
    [
      "a stuck transaction",
      { type: "fee-ceiling", confirmation: confirmation("broadcast"), cap: "c" },
      confirmed("mined"),
      "fee-ceiling 7",
    ],
    [
      "a transaction that is refused for good",
      { type: "hopeless", confirmation: confirmation("signed"), message: "invalid chain id", did: "nothing" },
      confirmed("mined"),
      "hopeless 7",
    ],
    [
      "a transaction of a key that is gone",
      {
        type: "hopeless",
        confirmation: confirmation("broadcast"),
        message: "its key is not configured",
        did: "no-key",
      },
      confirmed("mined"),
      "hopeless 7",
    ],
    [
      "refused policies",
      { type: "policies", ok: false, problems: "x" },
      { type: "policies", ok: true, policies: [] },
      "policies",
    ],
    [
      "a lost gateway",
      { type: "gateway", gateway: "g", up: false, problem: "x" },
      { type: "gateway", gateway: "g", up: true },
      "gateway g",
    ],
    [
      "a failed job",
      { type: "job", job: "backup", ok: false, error: new Error("x") },
      { type: "job", job: "backup", ok: true, detail: "", ms: 1 },
      "job backup",
    ],
    [
      "a key without gas",
      { type: "key", signer, state: "no-funds" },
      { type: "key", signer, state: "funded" },
      `key-gas ${signer}`,
    ],
    [
      "a key that was taken",
      { type: "key", signer, state: "lost" },
      { type: "key", signer, state: "held" },
      `key-lease ${signer}`,
    ],
    [
      "a certificate",
      { type: "expiry", what: "c", at: 0, soon: true },
      { type: "expiry", what: "c", at: 0, soon: false },
      "expiry c",
    ],
  ])("tell of %s once, remind of it while it lasts, and say when it is over", (_, begins, ends, key) => {
    const { alerts, told, passes } = setup();
    for (let times = 0; times < 3; times++) alerts.note(begins);
    passes(61 * minute);
    alerts.note(ends);
    alerts.note(ends);
    expect(told).toEqual([`firing ${key}`, `firing ${key} +2`, `resolved ${key}`]);
  });

  it("count an event that comes again, and remind of it only if it does", () => {
    const { alerts, told, passes } = setup();
    alerts.note(stranger);
    alerts.note(stranger);
    passes(61 * minute);
    passes(61 * minute);
    expect(told).toEqual([`firing stranger ${signer}`, `firing stranger ${signer} +1`]);
    passes(61 * minute);
    alerts.note(stranger);
    expect(told).toHaveLength(3);
  });

  it.each([down, refused, ahead])(
    "wait until something lost stays lost, and keep silent about what comes back at once: %#",
    (lost) => {
      const { alerts, told, passes } = setup();
      alerts.note(lost);
      passes(minute);
      alerts.note(up);
      passes(5 * minute);
      expect(told).toEqual([]);
      alerts.note(lost);
      passes(3 * minute);
      alerts.note(up);
      expect(told).toEqual(["firing endpoint rpc.example", "resolved endpoint rpc.example"]);
    },
  );

  it.each<readonly [Report, string]>([
    [confirmed("dead"), "firing dead 7"],
    [{ type: "missed", via: "audit", tasks: 1, responses: 0 }, "firing missed audit"],
    [{ type: "reorg", from: 9n, rewindTo: 1n, deep: true }, "firing deep-reorg"],
  ])("tell of what only happens: %#", (report, notice) => {
    const { alerts, told } = setup();
    alerts.note(report);
    expect(told).toEqual([notice]);
  });

  it("say that a key has gas money again when it has, not when it next sends something", () => {
    const { alerts, told, passes } = setup();
    alerts.note(confirmed("broadcast"));
    alerts.note({ type: "key", signer, state: "no-funds" });
    alerts.note(answer);
    passes(minute);
    alerts.note({ type: "key", signer, state: "funded" });
    expect(told).toEqual([`firing key-gas ${signer}`, `resolved key-gas ${signer}`]);
    alerts.note(confirmed("mined"));
    alerts.note(confirmed("final"));
    passes(61 * minute);
    expect(told).toHaveLength(2);
  });

  it("keep silent about the daily work", () => {
    const { alerts, told } = setup();
    alerts.note(confirmed("final"));
    alerts.note({ type: "reorg", from: 9n, rewindTo: 8n, deep: false });
    alerts.note({ type: "intake", via: "scanner", tasks: 1, responses: 1, block: 1n });
    expect(told).toEqual([]);
  });

  it("notice silence, which nobody reports", () => {
    let silent = false;
    const silence = { kind: "begins", key: "silence", severity: "critical", title: "", text: "" } as const;
    const { told, passes } = setup(() => [silent ? silence : { kind: "ends", key: "silence" }]);
    passes(minute);
    silent = true;
    passes(minute);
    silent = false;
    passes(minute);
    expect(told[0]).toBe("firing silence");
    expect(told.at(-1)).toMatch(/^resolved silence/);
  });

  it("take no time in which the process itself stood still for the silence of others, but tell of what is so still at the next tick", () => {
    let heardAt = 0;
    const look = (now: number): readonly AlertChange[] => [
      now - heardAt > minute
        ? { kind: "begins", key: "silence", severity: "critical", title: "silence", text: "nothing is heard" }
        : { kind: "ends", key: "silence" },
    ];
    const { alerts, told, passes, standsStill } = setup(look);
    passes(10_000);
    alerts.note(down);
    standsStill(60 * minute);
    passes(5_000);
    alerts.note({ type: "endpoint", endpoint: "rpc.example", event: "up" });
    heardAt = 60 * minute + 15_000;
    passes(5_000);
    expect(told).toEqual([]);
    standsStill(60 * minute);
    passes(10_000);
    expect(told).toEqual(["firing silence"]);
  });

  it("tell once of a scanner that is behind, and when it is not", () => {
    let why: string | undefined;
    const { told, passes } = setup(() => [behind(why)]);
    passes(minute);
    why = "the scanner is 40 blocks behind the head";
    passes(10 * minute);
    why = undefined;
    passes(minute);
    expect(told).toEqual(["firing behind", "resolved behind"]);
    expect(behind("the scanner is x")).toMatchObject({ kind: "begins", severity: "critical" });
  });

  it("remind of what a look finds again and again, without counting the looks", () => {
    const silence = { kind: "begins", key: "silence", severity: "critical", title: "", text: "" } as const;
    const { told, passes } = setup(() => [silence]);
    passes(61 * minute);
    expect(told).toEqual(["firing silence", "firing silence"]);
  });

  it("tell once of approved confirmations that nobody signs, with the reason, and when they are signed", () => {
    const board = createUnsignedBoard();
    const { told, passes, alerts } = setup((now) => [unsigned(board.view(now))]);
    let now = 0;
    const hear = (report: Report) => {
      board.note(report, now);
      alerts.note(report);
    };
    const pass = (minutes: number) => {
      passes(minutes * minute);
      now += minutes * minute;
    };
    hear({ type: "key", signer, state: "held" });
    for (let at = 0; at < 20; at++) {
      for (const id of [7, 8])
        hear({
          type: "postponed",
          confirmation: { ...confirmation("intended"), id },
          reason: "gas costs 9 wei, above sink.maxFeePerGas",
          forMs: 10_000,
        });
      pass(1);
      if (at === 14) expect(told).toEqual([]);
    }
    expect(told).toEqual(["firing unsigned"]);
    const change = unsigned(board.view(now));
    expect(change).toMatchObject({ kind: "begins", severity: "warning" });
    expect((change as { text: string }).text).toMatch(/^2 confirmations .* above sink\.maxFeePerGas/);
    hear(confirmed("signed"));
    hear({ type: "confirmation", confirmation: { ...confirmation("superseded"), id: 8 } });
    pass(1);
    expect(told).toEqual(["firing unsigned", "resolved unsigned"]);
  });
});

const notice: Notice = {
  key: "paused",
  severity: "critical",
  title: "paying is paused",
  text: `<!channel> & @everyone ${"x".repeat(9_000)}`,
  state: "firing",
  since: 0,
  repeats: 0,
};
const sender = { network: "mainnet", host: "box", chat: "-100" };

describe("the templates", () => {
  it.each<readonly [WebhookFormat, string, number]>([
    ["slack", "text", 3_000],
    ["discord", "content", 2_000],
    ["telegram", "text", 4_096],
  ])("keep to the limits of %s, and ping nobody", (format, field, limit) => {
    const body = webhookBody(format, notice, sender);
    expect(String(body[field]).length).toBeLessThanOrEqual(limit);
    expect(String(body[field])).toContain("paying is paused");
    if (format === "slack") expect(body.text).not.toContain("<!channel>");
    if (format === "discord") expect(body.allowed_mentions).toEqual({ parse: [] });
    if (format === "telegram") expect(body.chat_id).toBe("-100");
  });

  it("give programs every field", () => {
    expect(webhookBody("generic", notice, sender)).toMatchObject({
      source: "ogpu-confirmd",
      network: "mainnet",
      key: "paused",
      state: "firing",
      severity: "critical",
      since: "1970-01-01T00:00:00.000Z",
    });
  });
});

/** A webhook's other end: answers with the next status, and keeps what it got. */
const receiver = async (...statuses: number[]) => {
  const bodies: unknown[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    bodies.push(JSON.parse(text));
    const status = statuses.shift() ?? 200;
    if (status === 0) return request.socket.destroy();
    response.writeHead(status, status === 302 ? { location: "http://127.0.0.1:1/" } : {}).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0K3N-SECRET-0123456789`;
  return { url, bodies };
};
const webhookTo = (url: string, options: Partial<WebhookOptions> = {}) => {
  const failures: string[] = [];
  const webhook = createWebhook({
    url,
    timeoutMs: 2_000,
    firstRetryMs: 1,
    onFailure: (text) => failures.push(text),
    ...options,
  });
  onTestFinished(() => webhook.close());
  return { ...webhook, failures };
};

describe("the webhook", () => {
  it("delivers in order, again after a failure that may pass", async () => {
    const { url, bodies } = await receiver(503, 0, 429, 200, 200);
    const { send, drained, failures } = webhookTo(url);
    send({ n: 1 });
    send({ n: 2 });
    await drained();
    expect(bodies).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }, { n: 1 }, { n: 2 }]);
    expect(failures).toEqual([]);
  });

  it.each([
    ["a refusal, at once", [404], 1, "it answered with status 404"],
    ["a server that fails and fails", [500, 500, 500, 500, 500], 5, "it answered with status 500, 5 times"],
    ["a redirect: it is not followed", [302, 302, 302, 302, 302], 5, /^it cannot be reached.*5 times$/],
  ])("gives up after %s, and goes on with the next", async (_, statuses, requests, problem) => {
    const { url, bodies } = await receiver(...statuses);
    const { send, drained, failures } = webhookTo(url);
    send({ n: 1 });
    send({ n: 2 });
    await drained();
    expect(bodies.at(-1)).toEqual({ n: 2 });
    expect(bodies).toHaveLength(requests + 1);
    expect(failures).toEqual([expect.stringMatching(problem)]);
    expect(failures.join()).not.toContain("T0K3N");
  });

  it("drops the oldest beyond its bound and says so, and never makes its caller wait", async () => {
    const { url, bodies } = await receiver();
    const { send, drained, failures } = webhookTo(url, { maxQueue: 10 });
    for (let n = 0; n < 1_000; n++) send({ n });
    expect(failures.length).toBeGreaterThan(900);
    await drained();
    expect(bodies.length).toBeLessThan(20);
    expect(bodies.at(-1)).toEqual({ n: 999 });
  });

  it("names no part of its URL when nobody is there", async () => {
    const { send, drained, failures } = webhookTo(`http://127.0.0.1:${await closedPort()}/T0K3N-SECRET-0123456789`);
    send({});
    await drained();
    expect(failures).toEqual(["it cannot be reached (ECONNREFUSED), 5 times"]);
  });
});
