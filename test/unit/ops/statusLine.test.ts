import { describe, expect, it } from "vitest";
import { statusLine } from "../../../src/ops/statusLine.ts";
import { unborn, type Vitals } from "../../../src/ops/vitals.ts";
import { wei } from "../../../src/protocol/brand.ts";

const now = Date.UTC(2030, 5, 1, 13, 30);
const well: Vitals = { ...unborn, head: 1_200n, headAt: now - 1_000, checkpoint: 1_200n, caughtUp: true };
const figures = { openTasks: 3, inFlight: 1, held: 2, paid: wei(1_600_050_000_000_000_000n) };

describe("statusLine", () => {
  it.each([
    ["all is well", { vitals: well, now, figures }, "head 1200, 3 open, 1 in flight, 1.6 OGPU paid in 24 h, 2 held"],
    ["nothing was heard", { vitals: unborn, now }, "no endpoint has answered yet"],
    [
      "it catches up",
      { vitals: { ...well, caughtUp: false, checkpoint: 700n }, now },
      "catching up: block 700 of 1200",
    ],
    [
      "endpoints are silent",
      { vitals: { ...well, headAt: now - 75_000 }, now },
      "no endpoint answers for 75s, head 1200",
    ],
    [
      "it is paused and stalled",
      { vitals: well, now, stalled: "the journal does not answer", pause: "holiday" },
      "STALLED: the journal does not answer, PAUSED: holiday, head 1200",
    ],
  ])("tells when %s", (_, line, text) => {
    expect(statusLine(line)).toBe(text);
  });
});
