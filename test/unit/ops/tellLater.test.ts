import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tellLater } from "../../../src/ops/tellLater.ts";
import type { Report } from "../../../src/report.ts";

const scanned = (block: number): Report => ({ type: "scanned", block: BigInt(block) });

/** Turns of the event loop that are told to end. */
function turns() {
  const ends: (() => void)[] = [];
  return {
    atEnd: (work: () => void) => void ends.push(work),
    end: () => {
      for (const work of ends.splice(0)) work();
    },
  };
}

describe("tellLater", () => {
  it("tells when the turn of the event loop ends, and not in the middle of its work", async () => {
    const told: Report[] = [];
    const { report } = tellLater((each) => told.push(each));
    report(scanned(1));
    await Promise.resolve();
    expect(told).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([scanned(1)]);
  });

  it("tells everything once and in order, whenever turns end and whoever flushes", () => {
    const steps = fc.array(fc.constantFrom("report", "end", "flush", "burst"), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (each) => {
        const told: Report[] = [];
        const { atEnd, end } = turns();
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

  it("tells what a listener reports in its turn", () => {
    const { atEnd, end } = turns();
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
