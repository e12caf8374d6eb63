import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { tellLater } from "../../../src/ops/tellLater.ts";
import type { Report } from "../../../src/report.ts";

const scanned = (block: number): Report => ({ type: "scanned", block: BigInt(block) });

/** Moments that pass when they are told to. */
function moments() {
  const ends: (() => void)[] = [];
  return {
    atEnd: (work: () => void) => void ends.push(work),
    end: () => {
      for (const work of ends.splice(0)) work();
    },
  };
}

describe("tellLater", () => {
  it("tells a moment later, and not in the middle of the work that is reported", () => {
    vi.useFakeTimers();
    try {
      const told: Report[] = [];
      const { report } = tellLater((each) => told.push(each));
      report(scanned(1));
      report(scanned(2));
      expect(told).toEqual([]);
      vi.advanceTimersByTime(10);
      expect(told).toEqual([scanned(1), scanned(2)]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("tells everything once and in order, whenever a moment passes and whoever flushes", () => {
    const steps = fc.array(fc.constantFrom("report", "end", "flush", "burst"), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (each) => {
        const told: Report[] = [];
        const { atEnd, end } = moments();
        const { report, flush } = tellLater((one) => told.push(one), atEnd);
        let count = 0;
        const say = () => report(scanned(count++));
        for (const step of each) {
          if (step === "report") say();
          else if (step === "burst") for (let i = 0; i < 1_500; i++) say();
          else if (step === "end") end();
          else flush();
          expect(count - told.length).toBeLessThanOrEqual(1_000);
        }
        end();
        expect(told).toEqual(Array.from({ length: count }, (_, block) => scanned(block)));
      }),
    );
  });

  it("tells what a listener reports while it is told", () => {
    const { atEnd, end } = moments();
    const told: Report[] = [];
    const later = tellLater((each) => {
      told.push(each);
      if (told.length === 1) later.report(scanned(2));
    }, atEnd);
    later.report(scanned(1));
    end();
    end();
    expect(told).toEqual([scanned(1), scanned(2)]);
  });
});
