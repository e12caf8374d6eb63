import { describe, expect, it } from "vitest";
import { startHealthProbes } from "../../../../src/ops/board/healthProbes.ts";
import { createReadiness } from "../../../../src/ops/board/readiness.ts";
import { live, maxLag, unborn, whyBehind } from "../../../../src/ops/vitals.ts";
import { type AccountAddress, unixSeconds, wei } from "../../../../src/protocol/brand.ts";
import type { Report } from "../../../../src/report.ts";
import { address } from "../../../support/fakeChain.ts";

const head = (number: bigint): Report => ({ type: "head", number, timestamp: unixSeconds(1_000) }) as Report;
const scanned = (block: bigint): Report => ({ type: "scanned", block });
const took = (block: bigint): Report => ({ type: "intake", via: "scanner", tasks: 0, responses: 0, block });
const pushed: Report = { type: "intake", via: "socket", tasks: 1, responses: 0, block: undefined };

const backfill = (...reports: readonly Report[]) => {
  const { note, checks } = createReadiness({ clock: { now: () => 0 }, headFreshMs: 1, maxLag: 2, keys: [] });
  for (const report of reports) note(report);
  return checks().find(({ name }) => name === "backfill")?.ok;
};

describe("the backfill, for /readyz", () => {
  it.each<[boolean, string, readonly Report[]]>([
    [false, "nothing was scanned", [head(9n)]],
    [false, "only the socket brought something", [head(9n), pushed]],
    [false, "the scanner is far behind", [head(90n), took(9n)]],
    [true, "the scanner has caught up", [head(9n), took(8n)]],
    [true, "a scan found nothing to read, on a chain that stands still", [head(9n), scanned(9n)]],
    [true, "it had caught up once, and the head ran away", [head(9n), took(9n), head(90n)]],
  ])("is %s when %s", (expected, _, reports) => {
    expect(backfill(...reports)).toBe(expected);
  });
});

it("calls the backfill undone while the scanner is far behind and reads nothing, although it had caught up once", () => {
  let vitals = unborn;
  let now = 0;
  const { note, checks } = createReadiness({
    clock: { now: () => now },
    headFreshMs: 1,
    maxLag,
    keys: [],
    behind: () => whyBehind(vitals, now),
  });
  const hear = (report: Report) => {
    vitals = live(vitals, report, now);
    note(report);
  };
  const check = () => checks().find(({ name }) => name === "backfill");
  hear(head(100n));
  hear(scanned(100n));
  for (; now < 600_000; now += 2_000) hear(head(100n + BigInt(now / 2_000)));
  expect(check()).toMatchObject({
    ok: false,
    reason: expect.stringMatching(/^the scanner is 299 blocks behind .* block 100/),
  });
  hear(scanned(399n));
  expect(check()?.ok).toBe(true);
});

it("tells of the money of the keys that pay, not of one that is not configured any more", () => {
  const [signer, former] = [address<AccountAddress>(1), address<AccountAddress>(2)];
  const readiness = createReadiness({ clock: { now: () => 0 }, headFreshMs: 1, maxLag: 2, keys: [signer] });
  readiness.note({ type: "funds", signer, balance: wei(9n), confirmations: 3 });
  readiness.note({ type: "funds", signer: former, balance: wei(0n), confirmations: 0 });
  readiness.note({ type: "key", signer: former, state: "no-funds" });
  expect(readiness.funds()).toMatchObject({ confirmations: 3 });
  expect(readiness.checks().find(({ name }) => name === "key")?.ok).toBe(true);
});

it("takes a journal that was closed while a probe was under way for no trouble", async () => {
  const told: unknown[] = [];
  const note = (...each: unknown[]) => void told.push(each);
  const { promise, reject } = Promise.withResolvers<void>();
  const end = startHealthProbes({
    readiness: { sawJournal: note },
    writeJournal: () => promise,
    logger: { info: note, error: note } as never,
  });
  end();
  reject(new Error("it is closed"));
  await promise.catch(() => undefined);
  await new Promise(setImmediate);
  expect(told).toEqual([]);
});
