import { describe, expect, it } from "vitest";
import { createSeenLogs } from "../../../src/chain/seenLogs.ts";
import { hashOf } from "../../support/fakeChain.ts";

const at = (block: number, logIndex: number) => ({ blockNumber: BigInt(block), blockHash: hashOf(block), logIndex });

describe("the logs that were seen", () => {
  it("counts a log as seen when it is stored, not before", () => {
    const seen = createSeenLogs(10);
    const stored = seen.willStore([at(1, 2)]);
    expect(seen.has(at(1, 2))).toBe(false);
    stored();
    expect([seen.has(at(1, 2)), seen.has(at(1, 3)), seen.has(at(2, 2))]).toEqual([true, false, false]);
  });

  it("takes a log that was mined again in another block for another", () => {
    const seen = createSeenLogs(10);
    seen.willStore([at(1, 2)])();
    expect(seen.has({ ...at(1, 2), blockHash: hashOf(99) })).toBe(false);
  });

  it("takes everything for news after a reorg, and what was on its way to the journal too", () => {
    const seen = createSeenLogs(10);
    seen.willStore([at(1, 1)])();
    const late = seen.willStore([at(1, 2)]);
    seen.forget();
    late();
    expect([seen.has(at(1, 1)), seen.has(at(1, 2))]).toEqual([false, false]);
  });

  it("takes everything for news after a reorg, however long ago it was seen", () => {
    const seen = createSeenLogs(2);
    const logs = [1, 2, 3].map((index) => at(1, index));
    seen.willStore(logs)();
    expect(logs.map(seen.has)).toEqual([true, true, true]);
    seen.forget();
    expect(logs.map(seen.has)).toEqual([false, false, false]);
  });

  it.each([1_000, 1_050])("remembers at least its limit, and at most twice as many, of %i", (length) => {
    const seen = createSeenLogs(100);
    for (let index = 0; index < length; index++) seen.willStore([at(1, index)])();
    const kept = Array.from({ length }, (_, index) => seen.has(at(1, index)));
    expect(kept.slice(-100).every(Boolean)).toBe(true);
    expect(kept.filter(Boolean).length).toBeLessThanOrEqual(200);
  });
});
