import { describe, expect, it } from "vitest";
import { thinOut } from "../../../src/chain/thinOut.ts";
import type { BlockRef } from "../../../src/journal/journal.ts";
import { hashOf } from "../../support/fakeChain.ts";

const refTo = (number: bigint): BlockRef => ({ number, hash: hashOf(number) });

/** What is known after each of these heads, read so many blocks at a time with three on top of a final one. */
function* knownAfter(first: bigint, last: bigint, perStep: (head: bigint) => bigint) {
  let known: readonly BlockRef[] = [refTo(first)];
  for (let head = first + 1n; head <= last; head += perStep(head)) {
    ({ known } = thinOut([refTo(head), ...known], head - 3n));
    yield { head, known };
  }
}

describe("what is known of the chain", () => {
  it.each<[string, (head: bigint) => bigint, bigint]>([
    ["block by block", () => 1n, 0n],
    ["first by wide ranges, then block by block", (head) => (head < 15_000n ? 2_000n : 1n), 2_000n],
  ])("has a block below each depth, not eight times as deep, when it is read %s", (_, perStep, gap) => {
    for (const { head, known } of knownAfter(1_000n, 20_000n, perStep)) {
      if (head % 97n !== 0n) continue;
      const depths = known.map(({ number }) => head - number);
      expect(depths.at(-1)).toBe(head - 1_000n);
      expect(depths.slice(1).every((depth, at) => depth <= 8n * ((depths[at] as bigint) + 1n) + gap)).toBe(true);
      expect(known.length).toBeLessThan(50);
    }
  });

  it("has every block that may be taken back, and names each one that it has no more", () => {
    const blocks = Array.from({ length: 100 }, (_, below) => refTo(199n - BigInt(below)));
    const { known, forgotten } = thinOut(blocks, 180n);
    expect(known.slice(0, 20)).toEqual(blocks.slice(0, 20));
    expect([...known.map(({ number }) => number), ...forgotten].toSorted()).toEqual(
      blocks.map(({ number }) => number).toSorted(),
    );
  });
});
