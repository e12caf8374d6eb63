import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstValueFrom, Subject } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Confirmation, Journal } from "../../../../src/journal/journal.ts";
import { createInProcessEvaluator } from "../../../../src/policy/inProcessEvaluator.ts";
import type { PolicyCaps } from "../../../../src/policy/policyPort.ts";
import { createPolicyStore } from "../../../../src/policy/reload.ts";
import { type ResponseAddress, type TaskAddress, toNonce, wei } from "../../../../src/protocol/brand.ts";
import type { Report } from "../../../../src/report.ts";
import { noCaps } from "../../../../src/sink/guardrails/caps.ts";
import { createGuard, type Guard, type GuardOptions, unlimited } from "../../../../src/sink/guardrails/guard.ts";
import { loadLedger, openLedger } from "../../../../src/sink/guardrails/openLedger.ts";
import { pausePaying, resumePaying } from "../../../../src/sink/guardrails/pausing.ts";
import { standings } from "../../../../src/sink/guardrails/standing.ts";
import { address, hashOf } from "../../../support/fakeChain.ts";
import { createSinkBench, type SinkBench } from "../../../support/sinkBench.ts";

const minute = 60_000;
const hour = 60 * minute;

let bench: SinkBench;
let now: number;
let made: number;
beforeEach(() => {
  bench = createSinkBench();
  now = 1_000 * hour;
  made = 0;
});
afterEach(() => bench.remove());

const guardOf = (options: Partial<GuardOptions>, caps: Partial<PolicyCaps> = {}): Guard =>
  createGuard(
    {
      journal: bench.journal,
      ledger: openLedger(bench.journal, () => now),
      capsOf: (name) => (name === "p" ? { ...noCaps, ...caps } : undefined),
      now: () => now,
      report: (each) => void bench.reports.push(each),
    },
    { ...unlimited, ...options },
  );
const intend = (payment: bigint): Promise<Confirmation> => {
  made += 1;
  const [task, response] = [address<TaskAddress>(0x100 + made), address<ResponseAddress>(0x200 + made)];
  return bench.intend({ task, response, payment: wei(payment) });
};
/** What the sink does when the guard lets it pass: from then on the journal counts it. */
const sign = async ({ id }: Confirmation, maxCost = 0n) => {
  const nonce = toNonce(id);
  const attempt = { kind: "confirm", hash: hashOf(id), raw: "0x02", nonce, signedAt: now } as const;
  await bench.journal.recordAttempt(id, bench.signer.address, { ...attempt, maxCost: wei(maxCost) });
};
const pay = async (guard: Guard, payment: bigint, gas = 0n) => {
  const intent = await intend(payment);
  const slot = { signer: bench.signer.address, nonce: toNonce(intent.id) };
  const capped = await guard.reserve(intent, wei(gas), slot);
  if (capped === undefined) await sign(intent, gas);
  return { intent, capped };
};
const inFlight = async (): Promise<Confirmation> => {
  const intent = await intend(1n);
  await sign(intent);
  return intent;
};
/** What the sink does with one that is final. */
const settle = async (
  guard: Guard,
  { id }: Confirmation,
  reverted: boolean,
  { changeConfirmation } = bench.journal,
) => {
  await changeConfirmation(id, { state: reverted ? "dead" : "final", outcome: guard.outcome(reverted) });
  await guard.isPaused();
};
const ceilingReports = () => bench.reports.filter(({ type }) => type === "ceiling");

describe("a ceiling of a policy that is in force no more", () => {
  const guardBy = (capsOf: (policy: string) => PolicyCaps | undefined): Guard => {
    const { journal, reports } = bench;
    const report = (each: Report) => void reports.push(each);
    return createGuard({ journal, ledger: openLedger(journal, () => now), capsOf, now: () => now, report }, unlimited);
  };

  it("holds what it held, also where its file is gone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "guard-"));
    const file = join(folder, "p.yaml");
    const strategy = "mode: enforce\nstrategy: first\neligible: output.valid";
    writeFileSync(file, `apiVersion: ogpu-confirmd/v1\nname: p\n${strategy}\ncaps: { perDay: 1 OGPU }\n`);
    writeFileSync(join(folder, "q.yaml"), `apiVersion: ogpu-confirmd/v1\nname: q\n${strategy}\n`);
    const evaluator = createInProcessEvaluator();
    const [triggers$, refusals] = [new Subject<void>(), [] as string[]];
    const onRefused = (problems: string) => void refusals.push(problems);
    const store = await createPolicyStore({ folder, evaluator, triggers$, onChanged: () => undefined, onRefused });
    const guard = guardBy(store.capsOf);
    const most = 6n * 10n ** 17n;
    await pay(guard, most);
    const { intent, capped } = await pay(guard, most);
    expect(capped).toMatchObject({ cap: "caps.perDay of p" });
    rmSync(file);
    const changed = firstValueFrom(store.changes$);
    triggers$.next();
    expect((await changed).policies.map(({ name }) => name)).toEqual(["q"]);
    expect(refusals).toEqual([]);
    expect(await guard.reserve(intent, wei(0n))).toEqual(capped);
    rmSync(folder, { recursive: true });
  });

  it("is not known after a restart: nothing of it is counted, but for what a person paid by hand", async () => {
    const guard = guardBy(() => undefined);
    expect((await pay(guard, 60n)).capped).toEqual({ policy: "p" });
    const [task, response] = [address<TaskAddress>(0x901), address<ResponseAddress>(0x902)];
    const intent = await bench.intend({ task, response, policy: "by hand" });
    expect(await guard.reserve(intent, wei(0n))).toBeUndefined();
  });
});

describe("a ceiling", () => {
  it.each<[string, Partial<GuardOptions>, Partial<PolicyCaps>, number]>([
    ["guardrails.perHour", { perHour: wei(100n) }, {}, hour],
    ["guardrails.perDay", { perDay: wei(100n) }, {}, 24 * hour],
    ["guardrails.perProviderHour", { perProviderHour: wei(100n) }, {}, hour],
    ["caps.perHour of p", {}, { perHour: wei(100n) }, hour],
    ["caps.perDay of p", {}, { perDay: wei(100n) }, 24 * hour],
    ["caps.perProviderHour of p", {}, { perProviderHour: wei(100n) }, hour],
  ])(
    "%s counts what was signed, holds what would pass it, and has room when its time is over",
    async (cap, ...rest) => {
      const [options, caps, length] = rest;
      const guard = guardOf(options, caps);
      const start = now;
      expect((await pay(guard, 60n)).capped).toBeUndefined();
      now += minute;
      expect((await pay(guard, 40n)).capped).toBeUndefined();
      now += minute;
      const { intent, capped } = await pay(guard, 1n);
      expect(capped).toEqual({ cap, used: 100n, limit: 100n, until: start + length });
      now = start + length - 1;
      expect(await guard.reserve(intent, wei(0n))).toMatchObject({ cap });
      now = start + length;
      expect(await guard.reserve(intent, wei(0n))).toBeUndefined();
    },
  );

  it("holds whichever of several it is, in whatever order they are looked at", async () => {
    const [low, high] = [wei(100n), wei(1_000n)];
    const both = async (options: Partial<GuardOptions>, caps: Partial<PolicyCaps>) => {
      const guard = guardOf(options, caps);
      const { capped } = await pay(guard, 101n, 50n);
      return capped !== undefined && "cap" in capped ? capped.cap : undefined;
    };
    expect(await both({ perHour: low, perDay: high }, {})).toBe("guardrails.perHour");
    expect(await both({ perHour: high, perDay: low }, {})).toBe("guardrails.perDay");
    expect(await both({ perHour: high, perDay: high }, { perDay: low })).toBe("caps.perDay of p");
    expect(await both({ perHour: high, gasPerDay: wei(49n) }, { perDay: high })).toBe("guardrails.gasPerDay");
  });

  it("counts across a restart, and pays what it held once it is raised", async () => {
    const options = { perHour: wei(100n) };
    const before = guardOf(options);
    await pay(before, 60n);
    const { intent } = await pay(before, 60n);
    now += minute;
    expect(await guardOf(options).reserve(intent, wei(0n))).toMatchObject({ used: 60n, until: 1_001 * hour });
    expect(await guardOf({ perHour: wei(120n) }).reserve(intent, wei(0n))).toBeUndefined();
  });

  it("gives its room to whoever waited first, also where a later one would fit", async () => {
    const guard = guardOf({ perHour: wei(100n) });
    await pay(guard, 60n);
    now += minute;
    const { intent: first } = await pay(guard, 60n);
    const small = await pay(guard, 30n);
    expect(small.capped).toMatchObject({ cap: "guardrails.perHour", used: 60n });
    now = 1_001 * hour;
    expect(await guard.reserve(first, wei(0n))).toBeUndefined();
    expect(await guard.reserve(small.intent, wei(0n))).toBeUndefined();
  });

  it("has a later one wait until the first was tried, where it has room for both and the next ceiling has not", async () => {
    const guard = guardOf({ perHour: wei(100n), perDay: wei(140n) });
    await pay(guard, 60n);
    const { intent: first } = await pay(guard, 60n);
    const { intent: later } = await pay(guard, 30n);
    now = 1_001 * hour;
    const untilTried = { cap: "guardrails.perHour", used: 0n, limit: 100n, until: now };
    expect(await guard.reserve(later, wei(0n))).toEqual(untilTried);
    expect(await guard.reserve(first, wei(0n))).toBeUndefined();
    expect(await guard.reserve(later, wei(0n))).toMatchObject({ cap: "guardrails.perDay", used: 120n });
  });

  it("lets the others pass when the one that waited first is settled by somebody else", async () => {
    const guard = guardOf({ perHour: wei(100n) });
    await pay(guard, 60n);
    const { intent: first } = await pay(guard, 60n);
    const small = await pay(guard, 30n);
    guard.release(first.id);
    expect(await guard.reserve(small.intent, wei(0n))).toBeUndefined();
  });

  it("holds for good what it can never have room for, and lets the others pass", async () => {
    const guard = guardOf({ perHour: wei(100n) });
    expect((await pay(guard, 101n)).capped).toEqual({
      cap: "guardrails.perHour",
      used: 0n,
      limit: 100n,
      until: undefined,
    });
    expect((await pay(guard, 100n)).capped).toBeUndefined();
  });

  it("counts nothing that was not signed after all", async () => {
    const guard = guardOf({ perHour: wei(100n) });
    const intent = await intend(100n);
    await guard.reserve(intent, wei(0n));
    guard.release(intent.id);
    await new Promise((resolve) => setImmediate(resolve));
    expect((await pay(guard, 100n)).capped).toBeUndefined();
  });

  it("on gas counts the most that it can cost, then what it did cost", async () => {
    const guard = guardOf({ gasPerDay: wei(100n) });
    const { intent } = await pay(guard, 1n, 80n);
    const next = await pay(guard, 1n, 80n);
    expect(next.capped).toEqual({ cap: "guardrails.gasPerDay", used: 80n, limit: 100n, until: now + 24 * hour });
    const dearer = (cost: bigint) => guard.reserveGas(bench.signer.address, toNonce(intent.id), wei(cost));
    expect([await dearer(101n), await dearer(100n)]).toEqual([false, true]);
    await guard.settleGas(bench.signer.address, toNonce(intent.id), wei(20n));
    expect(await guard.reserve(next.intent, wei(80n))).toBeUndefined();
  });

  it("on gas holds also where two keys replace at the same time, and where a nonce's first day is over", async () => {
    const guard = guardOf({ gasPerDay: wei(100n) });
    const { address: signer } = bench.signer;
    for (const nonce of [1, 2]) await guard.chargeGas(signer, toNonce(nonce), wei(45n));
    const both = [1, 2].map((nonce) => guard.reserveGas(signer, toNonce(nonce), wei(55n)));
    expect(await Promise.all(both)).toEqual([true, false]);
    now += 25 * hour;
    await guard.chargeGas(signer, toNonce(3), wei(85n));
    // What it counted yesterday counts no more: all that it may cost is more of today.
    expect(await guard.reserveGas(signer, toNonce(2), wei(50n))).toBe(false);
    expect(await guard.reserveGas(signer, toNonce(2), wei(15n))).toBe(true);
  });

  it("is told of once when confirmations begin to wait, and once when none does any more", async () => {
    const guard = guardOf({ perHour: wei(100n) });
    await pay(guard, 100n);
    const waiting = [await pay(guard, 50n), await pay(guard, 50n)];
    for (const { intent } of waiting) await guard.reserve(intent, wei(0n));
    const cap = { type: "ceiling", cap: "guardrails.perHour", scope: "all", limit: 100n } as const;
    const reached = { ...cap, reached: true, used: 100n, until: 1_001 * hour };
    expect(ceilingReports()).toEqual([reached]);
    now = 1_001 * hour;
    for (const { intent } of waiting) await guard.reserve(intent, wei(0n));
    expect(ceilingReports()).toEqual([reached, { ...cap, reached: false }]);
  });
});

describe("a ceiling below a price", () => {
  const cap = { type: "ceiling", cap: "guardrails.perHour", scope: "all", limit: 100n } as const;
  const stuck = { ...cap, reached: true, used: 0n, until: undefined };

  it("is told of once, however often it is asked, and once more when the confirmation waits no longer", async () => {
    const guard = guardOf({ perHour: wei(100n) });
    const { intent, capped } = await pay(guard, 101n);
    expect(capped).toMatchObject({ cap: "guardrails.perHour", until: undefined });
    for (let again = 0; again < 3; again++) await guard.reserve(intent, wei(0n));
    expect(ceilingReports()).toEqual([stuck]);
    guard.leave(intent.id);
    expect(ceilingReports()).toEqual([stuck, { ...cap, reached: false }]);
  });

  it("is told of also where others wait there for room, and is over when the last of all has gone", async () => {
    const guard = guardOf({ perHour: wei(100n) });
    await pay(guard, 60n);
    const waiting = await pay(guard, 60n);
    const { intent } = await pay(guard, 101n);
    const reached = { ...cap, reached: true, used: 60n };
    const both = [
      { ...reached, until: 1_001 * hour },
      { ...reached, until: undefined },
    ];
    expect(ceilingReports()).toEqual(both);
    guard.leave(waiting.intent.id);
    expect(ceilingReports()).toEqual(both);
    guard.leave(intent.id);
    expect(ceilingReports()).toEqual([...both, { ...cap, reached: false }]);
  });

  it("of gas is told of, too", async () => {
    const { capped } = await pay(guardOf({ gasPerDay: wei(100n) }), 1n, 101n);
    expect(capped).toMatchObject({ cap: "guardrails.gasPerDay", until: undefined });
    expect(ceilingReports()).toMatchObject([{ cap: "guardrails.gasPerDay", reached: true, until: undefined }]);
  });
});

describe("the circuit breaker", () => {
  it("pauses after so many reverts in a row, says so once, and counts anew when somebody resumes", async () => {
    const guard = guardOf({ revertsToPause: 2 });
    for (const reverted of [true, false, true]) await settle(guard, await inFlight(), reverted);
    expect(await guard.isPaused()).toBe(false);
    const [last, beyond] = [await inFlight(), await inFlight()];
    await settle(guard, last, true);
    await settle(guard, beyond, true);
    expect(await guardOf({}).isPaused()).toBe(true);
    expect(await guard.isPaused()).toBe(true);
    const paused = bench.reports.filter(({ type }) => type === "paused");
    expect(paused[0]).toMatchObject({
      by: "reverts",
      why: expect.stringContaining("2 confirmations in a row reverted"),
    });
    await resumePaying(bench.journal, { who: "alice", why: "the contract is mended" }, now);
    expect(await guard.isPaused()).toBe(false);
    expect(bench.reports.at(-1)).toEqual({ type: "resumed", who: "alice", why: "the contract is mended" });
    await settle(guard, await inFlight(), true);
    expect(await guard.isPaused()).toBe(false);
  });

  it("tells of a resume also where the journal could not say at first who it was", async () => {
    const { journal, reports } = bench;
    let isGone = false;
    const flaky: Journal = {
      ...journal,
      pauseHistory: async (limit) => {
        if (isGone) throw new Error("the connection is lost");
        return journal.pauseHistory(limit);
      },
    };
    const ledger = openLedger(journal, () => now);
    const report = (each: Report) => void reports.push(each);
    const guard = createGuard({ journal: flaky, ledger, capsOf: () => noCaps, now: () => now, report }, unlimited);
    await pausePaying(journal, { who: "alice", why: "audit" }, 1);
    expect(await guard.isPaused()).toBe(true);
    await resumePaying(journal, { who: "bob", why: "done" }, 2);
    isGone = true;
    await expect(guard.isPaused()).rejects.toThrow("the connection is lost");
    isGone = false;
    expect(await guard.isPaused()).toBe(false);
    expect(reports.at(-1)).toEqual({ type: "resumed", who: "bob", why: "done" });
  });

  /** A journal whose pause is read, and written, when a test lets it. */
  const slowGuard = () => {
    const [read, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isSlow = false;
    const { journal, reports } = bench;
    const slow: Journal = {
      ...journal,
      pause: async () => {
        const answer = journal.pause();
        if (isSlow) await read.promise;
        return answer;
      },
      changeConfirmation: async (...args) => {
        const changed = await journal.changeConfirmation(...args);
        await written.promise;
        return changed;
      },
    };
    const ledger = openLedger(journal, () => now);
    const report = (each: Report) => void reports.push(each);
    const deps = { journal: slow, ledger, capsOf: () => noCaps, now: () => now, report };
    const guard = createGuard(deps, { ...unlimited, revertsToPause: 1 });
    const readSlowly = () => {
      isSlow = true;
      const answer = guard.isPaused();
      isSlow = false;
      return answer;
    };
    const reported = () => reports.map(({ type }) => type).filter((type) => type === "paused" || type === "resumed");
    return { guard, slow, readSlowly, read: () => read.resolve(), write: () => written.resolve(), reported };
  };

  it("counts from the moment that it breaks, also where the journal takes its time to answer, and nobody has resumed then", async () => {
    const { guard, slow, write, reported } = slowGuard();
    const sent = await inFlight();
    let resumes = 0;
    guard.resumed$.subscribe(() => {
      resumes += 1;
    });
    await pausePaying(bench.journal, { who: "alice", why: "audit" }, 1);
    expect(await guard.isPaused()).toBe(true);
    await resumePaying(bench.journal, { who: "alice", why: "done" }, 2);
    expect(await guard.isPaused()).toBe(false);
    const broken = settle(guard, sent, true, slow);
    await new Promise((resolve) => setImmediate(resolve));
    expect([await guard.isPaused(), await guard.isPaused()]).toEqual([true, true]);
    write();
    await broken;
    expect(await guard.isPaused()).toBe(true);
    expect(reported()).toEqual(["paused", "resumed", "paused"]);
    expect(resumes).toBe(1);
  });

  it("is not forgotten for what was read before it broke, and comes later", async () => {
    const { guard, slow, readSlowly, read, write, reported } = slowGuard();
    const sent = await inFlight();
    const early = readSlowly();
    await new Promise((resolve) => setImmediate(resolve));
    write();
    await settle(guard, sent, true, slow);
    read();
    expect([await early, guard.wasPaused(), await guard.isPaused()]).toEqual([true, true, true]);
    expect(reported()).toEqual(["paused"]);
  });

  it("is in the journal with the revert that brings it: nothing comes between the two", async () => {
    const { journal } = bench;
    const { id } = await inFlight();
    const outcome = guardOf({ revertsToPause: 1 }).outcome(true);
    await journal.changeConfirmation(id, { state: "dead", outcome });
    expect(await journal.pause()).toMatchObject({ by: "reverts" });
  });

  it("counts across a restart", async () => {
    await settle(guardOf({ revertsToPause: 2 }), await inFlight(), true);
    const after = guardOf({ revertsToPause: 2 });
    await settle(after, await inFlight(), true);
    expect(await after.isPaused()).toBe(true);
  });
});

describe("a pause", () => {
  it("keeps who, why and when, of the first who asked, and of whoever resumed", async () => {
    const { journal } = bench;
    expect(await pausePaying(journal, { who: "alice", why: " audit " }, 5)).toMatchObject({ isNew: true });
    const stands = { by: "operator", who: "alice", why: "audit", at: 5 };
    expect(await pausePaying(journal, { who: "bob", why: "lunch" }, 6)).toEqual({ pause: stands, isNew: false });
    expect(await resumePaying(journal, { who: "bob", why: "done" }, 7)).toBe(true);
    expect(await resumePaying(journal, { who: "bob", why: "done" }, 8)).toBe(false);
    expect(await journal.pauseHistory(9)).toEqual([
      { action: "resume", by: "operator", who: "bob", why: "done", at: 7 },
      { action: "pause", ...stands },
    ]);
  });

  it("by a person takes the place of the circuit breaker's", async () => {
    await settle(guardOf({ revertsToPause: 1 }), await inFlight(), true);
    expect(await pausePaying(bench.journal, { who: "alice", why: "looking" }, 5)).toMatchObject({ isNew: true });
    expect(await bench.journal.pause()).toMatchObject({ by: "operator", who: "alice" });
  });
});

it("shows what is used and left of every ceiling, and when it begins to have room", async () => {
  const options = { perHour: wei(100n), perProviderHour: wei(80n), gasPerDay: wei(1_000n) };
  const guard = guardOf(options, { perDay: wei(500n) });
  const start = now;
  await pay(guard, 30n, 10n);
  now += minute;
  const policies = [{ name: "p", caps: { ...noCaps, perDay: wei(500n) } }];
  const shown = standings(await loadLedger(bench.journal, now), { perDay: undefined, ...options }, policies, now);
  expect(shown).toEqual([
    { name: "guardrails.perHour", scope: "all", used: 30n, limit: 100n, left: 70n, freesAt: start + hour },
    { name: "caps.perDay of p", scope: "policy p", used: 30n, limit: 500n, left: 470n, freesAt: start + 24 * hour },
    { name: "guardrails.gasPerDay", scope: "all", used: 10n, limit: 1_000n, left: 990n, freesAt: start + 24 * hour },
  ]);
});
