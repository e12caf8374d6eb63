import { describe, expect, it } from "vitest";
import { RetryableError } from "../../../src/errors.ts";
import { unavailable } from "../../../src/journal/postgres/postgresError.ts";
import { live, unborn, type Vitals, whyBehind, whyStalled } from "../../../src/ops/vitals.ts";
import { unixSeconds } from "../../../src/protocol/brand.ts";
import type { Report } from "../../../src/report.ts";

const head = (number: number): Report => ({ type: "head", number: BigInt(number), timestamp: unixSeconds(0) });
const stored = (block: number): Report => ({
  type: "intake",
  via: "scanner",
  tasks: 0,
  responses: 0,
  block: BigInt(block),
});
const scanned = (block: number): Report => ({ type: "scanned", block: BigInt(block) });
const retry = (error: Error, inMs = 500): Report => ({ type: "retry", what: "scanner", error, inMs });
const outage = new RetryableError("no answer", { code: "ENDPOINT_UNAVAILABLE" });
const blocked = Object.assign(new Error("database is locked"), { code: "ERR_SQLITE_ERROR" });
const noServer = unavailable("PostgreSQL db.example/ogpu", new Error("connect ECONNREFUSED"));
const unknown = new RetryableError("was it stored?", { code: "JOURNAL_OUTCOME_UNKNOWN" });

const told = (...story: readonly (readonly [at: number, report: Report])[]): Vitals =>
  story.reduce((vitals, [at, report]) => live(vitals, report, at * 1_000), unborn);
const stalledAt = (vitals: Vitals, seconds: number) => whyStalled(vitals, seconds * 1_000, 60_000) !== undefined;

describe("the pipe's vitals", () => {
  it("call the backfill done once the checkpoint has reached the head, for good", () => {
    expect(told([0, head(100)], [1, stored(60)]).caughtUp).toBe(false);
    const reached = told([0, head(100)], [1, stored(60)], [2, stored(100)]);
    expect(reached.caughtUp).toBe(true);
    expect(live(reached, head(500), 3_000).caughtUp).toBe(true);
  });

  it.each([
    ["before anything was heard", told(), false],
    [
      "at the head, without new heads: an outage is no stall",
      told([0, head(5)], [1, stored(5)], [2, scanned(5)]),
      false,
    ],
    ["a new head that is never scanned", told([0, head(5)], [1, stored(5)], [2, scanned(5)], [3, head(6)]), true],
    ["heads that go on and on over it", told([0, head(5)], [1, scanned(5)], [3, head(6)], [590, head(7)]), true],
    ["a long way that moves step by step", told([0, head(9_000)], [300, stored(10)], [560, stored(20)]), false],
    ["a long way that came to a halt", told([0, head(9_000)], [300, stored(10)], [500, head(9_001)]), true],
    ["an endpoint that gives no events", told([0, head(5)], [1, scanned(5)], [3, head(6)], [9, retry(outage)]), false],
    [
      "the same, while the socket brings heads",
      told([590, head(6)], [591, retry(outage, 30_000)], [592, head(7)]),
      false,
    ],
    ["a journal that takes no writes", told([0, head(5)], [3, head(6)], [590, retry(blocked)]), true],
    ["a journal's server that does not answer", told([0, head(5)], [3, head(6)], [590, retry(noServer)]), true],
    ["a journal's write whose outcome is not known", told([0, head(5)], [3, head(6)], [590, retry(unknown)]), true],
    ["an error that the daemon does not know", told([0, head(5)], [590, retry(new TypeError("x"))]), true],
    [
      "an endpoint that lags: what it has is read",
      told([0, head(5)], [1, scanned(5)], [2, head(9)], [3, scanned(6)]),
      false,
    ],
    ["a retry of something else", told([0, head(6)], [1, { ...retry(outage), what: "head" } as Report]), true],
  ])("are right about %s", (_, vitals, stalled) => {
    expect(stalledAt(vitals, 600)).toBe(stalled);
  });

  it("give the scanner its time after the pause that an endpoint's failure brought", () => {
    const vitals = told([0, head(5)], [1, retry(outage, 30_000)], [2, head(6)]);
    expect([stalledAt(vitals, 90), stalledAt(vitals, 92)]).toEqual([false, true]);
  });
});

describe("the scanner", () => {
  const refused = (at: number): [number, Report] => [at, retry(outage, 30_000)];
  const caughtUp: readonly [number, Report][] = [
    [0, head(100)],
    [1, scanned(100)],
  ];
  it.each<[boolean, string, readonly [number, Report][]]>([
    [false, "nothing was heard of the chain", []],
    [true, "heads come and it has never begun", [[0, head(100)], refused(5), [590, head(300)]]],
    [false, "it has caught up and the chain stands still", caughtUp],
    [false, "heads come and it is a few blocks behind", [...caughtUp, [9, head(110)], refused(10)]],
    [true, "heads come and all endpoints refuse logs", [...caughtUp, [9, head(111)], refused(10), [590, head(300)]]],
    [false, "it is behind for a moment only", [...caughtUp, [590, head(300)], refused(591)]],
    [false, "it goes a long way step by step", [...caughtUp, [9, head(9_000)], [300, stored(200)], [580, stored(300)]]],
    [true, "it goes no further on a long way", [...caughtUp, [9, head(9_000)], [200, stored(200)], [590, stored(200)]]],
    [true, "what an endpoint that lags has is read", [...caughtUp, [9, head(300)], [590, scanned(100)]]],
    [false, "it has caught up again", [...caughtUp, [9, head(300)], refused(10), [599, scanned(295)]]],
    [
      false,
      "it reads on after a reorg took it back",
      [...caughtUp, [9, head(300)], [590, stored(50)], [599, stored(60)]],
    ],
  ])("is said to be behind: %s, where %s", (expected, _, story) => {
    expect(whyBehind(told(...story), 600_000) !== undefined).toBe(expected);
  });
});
