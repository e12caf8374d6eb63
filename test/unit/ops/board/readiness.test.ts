import { describe, expect, it } from "vitest";
import { createReadiness } from "../../../../src/ops/board/readiness.ts";
import { unixSeconds } from "../../../../src/protocol/brand.ts";
import type { Report } from "../../../../src/report.ts";

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
