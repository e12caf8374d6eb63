import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Confirmation } from "../../../../src/journal/journal.ts";
import { createLaneBoard } from "../../../../src/ops/board/lane.ts";
import { createMoneyBook, moneySpans } from "../../../../src/ops/board/money.ts";
import { createReadiness } from "../../../../src/ops/board/readiness.ts";
import { createRing } from "../../../../src/ops/board/ring.ts";
import { selfPaced } from "../../../../src/ops/board/selfPaced.ts";
import { shownFacts } from "../../../../src/ops/board/shownFacts.ts";
import { createTallies } from "../../../../src/ops/board/tallies.ts";
import { type AccountAddress, toAddress, toNonce, unixSeconds, wei } from "../../../../src/protocol/brand.ts";
import type { Report } from "../../../../src/report.ts";

describe("the ring", () => {
  it("keeps the newest, and gives what came after a number once and in order, however it is read", () => {
    const steps = fc.array(fc.oneof(fc.nat({ max: 30 }), fc.constant("read" as const)), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), steps, (capacity, actions) => {
        const ring = createRing<{ value: number }>(capacity);
        let pushed = 0;
        let read = 0;
        for (const action of actions) {
          if (action === "read") {
            const found = ring.since(read);
            const first = Math.max(read, pushed - capacity);
            expect(found.map(({ value }) => value)).toEqual(
              Array.from({ length: pushed - first }, (_, i) => first + i + 1),
            );
            read = ring.last();
          } else for (let i = 0; i < action; i++) ring.push({ value: ++pushed });
        }
        expect(ring.last()).toBe(pushed);
      }),
    );
  });
});

describe("money over time", () => {
  const now = 1_750_000_000_000;

  it("adds up to what was paid and saved within the span, whatever came and in whatever order", () => {
    const payment = fc.record({
      ago: fc.nat({ max: moneySpans.hour.lengthMs / 2 }),
      price: fc.bigInt({ min: 0n, max: 10n ** 20n }),
      more: fc.bigInt({ min: 0n, max: 10n ** 20n }),
    });
    fc.assert(
      fc.property(fc.array(payment, { maxLength: 50 }), (payments) => {
        const book = createMoneyBook();
        for (const { ago, price, more } of payments) book.add({ at: now - ago, payment: price, offered: price + more });
        const paid = payments.reduce((sum, { price }) => sum + price, 0n);
        const saved = payments.reduce((sum, { more }) => sum + more, 0n);
        for (const span of ["hour", "day", "month"] as const) {
          expect(book.sum(span, now)).toEqual({ paid: String(paid), saved: String(saved), count: payments.length });
        }
        const points = book.series("hour", now);
        expect(points.map(({ at }) => at)).toEqual(points.map(({ at }) => at).toSorted((a, b) => a - b));
      }),
    );
  });

  it("forgets what has left the span, and does not grow with what is paid", () => {
    const book = createMoneyBook();
    for (let step = 0; step < 5_000; step++) book.add({ at: now + step * 10_000, payment: 1n, offered: undefined });
    const end = now + 5_000 * 10_000;
    expect(book.series("hour", end).length).toBeLessThanOrEqual(361);
    expect(book.sum("hour", end).count).toBeLessThanOrEqual(361);
    expect(book.sum("month", end)).toEqual({ paid: "5000", saved: "0", count: 5_000 });
  });
});

const confirmation = (id: number, state: Confirmation["state"], attempts = 1): Confirmation => ({
  id,
  task: `0x${"11".repeat(20)}` as never,
  response: `0x${"22".repeat(20)}` as never,
  verdictId: id,
  payment: wei(5n),
  responseDigest: "",
  state,
  reason: "",
  nonce: state === "intended" ? undefined : toNonce(100 - id),
  mined: undefined,
  attempts: Array.from({ length: attempts }, () => ({
    kind: "confirm" as const,
    hash: `0x${"33".repeat(32)}` as const,
    raw: "0x" as const,
    nonce: toNonce(100 - id),
    signedAt: 1_000,
  })),
});
const told = (each: Confirmation): Report => ({ type: "confirmation", confirmation: each });

describe("the nonce lane", () => {
  it("follows each confirmation until it is settled, the lowest nonce first and what waits last", () => {
    const lane = createLaneBoard(30_000);
    lane.note({ type: "postponed", confirmation: confirmation(9, "intended", 0), reason: "no funds", forMs: 1 });
    for (const id of [1, 2, 3]) lane.note(told(confirmation(id, "broadcast")));
    lane.note(told(confirmation(2, "mined")));
    lane.note(told(confirmation(1, "final")));
    const { open, items, stuck } = lane.view(2_000);
    expect([open, stuck]).toEqual([{ intended: 1, signed: 0, broadcast: 1, mined: 1 }, 0]);
    expect(items.map(({ id, nonce, note }) => [id, nonce, note])).toEqual([
      [3, 97, ""],
      [2, 98, ""],
      [9, undefined, "no funds"],
    ]);
  });

  it("calls stuck what is sent and not mined for too long, and counts what was bumped", () => {
    const lane = createLaneBoard(30_000);
    lane.note(told(confirmation(1, "broadcast")));
    lane.note(told(confirmation(2, "mined")));
    lane.note(told(confirmation(3, "signed", 2)));
    expect(lane.view(31_000)).toMatchObject({ stuck: 0, bumped: 1 });
    expect(lane.view(31_001)).toMatchObject({ stuck: 2, bumped: 1 });
  });

  it.each([
    ["until it has room", 7, "waits for room under guardrails.perHour"],
    ["where no room is ever enough", undefined, "costs more than guardrails.perHour"],
  ])("says which ceiling one waits for, %s", (_, until, note) => {
    const lane = createLaneBoard(30_000);
    const held = { cap: "guardrails.perHour", used: wei(0n), limit: wei(5n), until };
    lane.note({ type: "held", confirmation: confirmation(1, "intended", 0), ...held });
    expect(lane.view(0).items).toMatchObject([{ id: 1, note }]);
  });

  it("takes over what was not settled at the start, unless a report was newer", () => {
    const lane = createLaneBoard(30_000);
    lane.note(told(confirmation(1, "mined")));
    lane.seed([confirmation(1, "broadcast"), confirmation(2, "intended", 0)]);
    expect(lane.view(0).open).toEqual({ intended: 1, signed: 0, broadcast: 0, mined: 1 });
  });
});

it("counts verdicts by policy and mode, with what a shadow policy would have paid", () => {
  const tallies = createTallies();
  const verdict = (mode: string, kind: string) =>
    tallies.note({ type: "verdict", decision: { policy: "p", mode, kind, payment: wei(7n) } as never });
  for (const kind of ["confirm", "confirm", "reject"]) verdict("shadow", kind);
  verdict("enforce", "confirm");
  expect(tallies.view()).toMatchObject([
    { policy: "p", mode: "enforce", counts: { confirm: 1, reject: 0 }, approved: "7" },
    { policy: "p", mode: "shadow", counts: { confirm: 2, reject: 1 }, approved: "14" },
  ]);
});

describe("readiness", () => {
  const [key, other] = [1, 2].map((digit) => toAddress<AccountAddress>(`0x${String(digit).repeat(40)}`)) as [
    AccountAddress,
    AccountAddress,
  ];
  const funds = (signer: AccountAddress, confirmations: number): Report => ({
    ...{ type: "funds", signer, confirmations },
    balance: wei(BigInt(confirmations) * 10n ** 15n),
  });
  const create = (keys = [key]) => {
    let now = 1_000_000;
    const readiness = createReadiness({ clock: { now: () => now }, headFreshMs: 30_000, maxLag: 10, keys });
    const failing = () =>
      readiness
        .checks()
        .filter(({ ok }) => !ok)
        .map(({ name }) => name);
    const pass = (ms: number) => {
      now += ms;
    };
    return { ...readiness, failing, pass };
  };
  const head = (number: bigint): Report => ({ type: "head", number, timestamp: unixSeconds(1) });
  const scanned = (block: bigint): Report => ({ type: "intake", via: "scanner", tasks: 0, responses: 0, block });

  it("wants a fresh head, a scanner that has caught up once, a funded key and a journal that takes a write", () => {
    const it = create();
    expect(it.failing()).toEqual(["head", "backfill", "key", "journal"]);
    it.note(head(500n));
    it.note(scanned(100n));
    expect(it.failing()).toEqual(["backfill", "key", "journal"]);
    it.note(scanned(490n));
    it.sawJournal(undefined);
    it.note(funds(key, 0));
    expect(it.failing()).toEqual(["key"]);
    it.note(funds(key, 900));
    expect(it.failing()).toEqual([]);
    it.note(head(5_000n));
    expect(it.failing()).toEqual([]);
    it.pass(30_001);
    it.sawJournal("cannot be written: disk full");
    expect(it.failing()).toEqual(["head", "journal"]);
    expect(it.checks().find(({ name }) => name === "journal")?.reason).toContain("disk full");
  });

  it("asks no money of a daemon without a key", () => {
    expect(create([]).failing()).not.toContain("key");
  });

  it("wants to know of every key, and goes by the one whose money ends first", () => {
    const it = create([key, other]);
    it.note(funds(key, 900));
    expect(it.failing()).toContain("key");
    it.note(funds(other, 3));
    expect(it.failing()).not.toContain("key");
    expect(it.funds()).toMatchObject({ confirmations: 3 });
    it.note(funds(other, 0));
    expect(it.failing()).toContain("key");
    expect(it.funds()).toMatchObject({ confirmations: 0 });
  });

  it("takes a node's word that a key cannot pay, until the key is given something again; of a former key none", () => {
    const it = create();
    it.note(funds(key, 900));
    it.note({ type: "key", signer: other, state: "no-funds" });
    expect(it.failing()).not.toContain("key");
    it.note({ type: "key", signer: key, state: "no-funds" });
    expect(it.failing()).toContain("key");
    expect(it.checks().find(({ name }) => name === "key")?.reason).toMatch(/900 confirmations; but a node says/);
    it.note({ type: "key", signer: key, state: "funded" });
    expect(it.failing()).not.toContain("key");
  });
});

describe("facts on the page", () => {
  it("never hold a payload's, a config's or a judge's text, however deep it lies", () => {
    const secret = "a stranger's words";
    const wrap = fc.letrec((tie) => ({
      json: fc.oneof(
        { depthSize: "small" },
        fc.constant(secret),
        fc.array(tie("json"), { maxLength: 3 }),
        fc.dictionary(fc.string({ maxLength: 5 }), tie("json"), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(wrap.json, (json) => {
        const facts = {
          task: { config: json },
          output: { json, text: secret, valid: true },
          signals: { judge: { verdict: secret } },
        };
        expect(JSON.stringify(shownFacts(JSON.stringify(facts)))).not.toContain(secret);
      }),
    );
  });

  it("show amounts in OGPU and times as such, and bear facts that are cut", () => {
    expect(shownFacts('{"now":0,"task":{"payment":"500000000000000000"}}')).toEqual([
      { name: "now", value: "1970-01-01T00:00:00.000Z" },
      { name: "task.payment", value: "0.5 OGPU" },
    ]);
    expect(shownFacts('{"now":')).toEqual([]);
    expect(shownFacts("")).toEqual([]);
  });
});

it("repeats work, goes on after it failed, and stops when it is told to", async () => {
  let runs = 0;
  const errors: unknown[] = [];
  const { promise: thrice, resolve } = Promise.withResolvers<void>();
  const paced = selfPaced(
    async () => {
      runs += 1;
      if (runs === 1) throw new Error("locked");
      if (runs === 3) resolve();
    },
    { everyMs: 1, onError: (error) => errors.push(error) },
  );
  await thrice;
  paced.stop();
  const before = runs;
  paced.soon();
  await new Promise((done) => setTimeout(done, 20));
  expect([errors.length, runs - before <= 1]).toEqual([1, true]);
});
