import { describe, expect, it } from "vitest";
import type { Confirmation } from "../../../../src/journal/journal.ts";
import { createUnsignedBoard } from "../../../../src/ops/board/unsigned.ts";
import { type AccountAddress, type TaskAddress, toNonce, wei } from "../../../../src/protocol/brand.ts";
import type { Report } from "../../../../src/report.ts";

const minute = 60_000;
const signer = `0x${"5".repeat(40)}` as AccountAddress;
const confirmation = (id: number, state: Confirmation["state"] = "intended"): Confirmation => ({
  id,
  task: `0x${id.toString(16).padStart(40, "0")}` as TaskAddress,
  response: `0x${"2".repeat(40)}` as never,
  verdictId: id,
  payment: wei(5n),
  responseDigest: "",
  state,
  reason: "",
  nonce: state === "intended" ? undefined : toNonce(3),
  mined: undefined,
  attempts: [],
});
const key = (state: "held" | "waiting" | "lost" | "no-funds"): Report => ({ type: "key", signer, state });
const approved = (id: number): Report => ({ type: "verdict", decision: {} as never, intent: confirmation(id) });
const became = (id: number, state: Confirmation["state"]): Report => ({
  type: "confirmation",
  confirmation: confirmation(id, state),
});
const postponed = (id: number, reason = "gas", state: Confirmation["state"] = "intended"): Report => ({
  type: "postponed",
  confirmation: confirmation(id, state),
  reason,
  forMs: 10_000,
});
const held = (id: number, until: number | undefined): Report => ({
  type: "held",
  confirmation: confirmation(id),
  cap: "guardrails.perDay",
  used: wei(1n),
  limit: wei(1n),
  until,
});
const paused: Report = { type: "paused", by: "operator", who: "ann", why: "lunch", at: 0 };
const resumed: Report = { type: "resumed", who: "ann", why: "back" };

/** A board of a daemon that holds its key, and has heard these reports at these minutes. */
const having = (...reports: readonly (readonly [number, Report])[]) => {
  const board = createUnsignedBoard();
  board.note(key("held"), 0);
  for (const [at, report] of reports) board.note(report, at * minute);
  return board;
};
/** How many wait too long, each minute of the first hour: those minutes at which the number changes. */
const changes = (board: ReturnType<typeof having>) => {
  const counts = Array.from({ length: 61 }, (_, at) => board.view(at * minute).count);
  return counts.flatMap((count, at) => (count === (counts[at - 1] ?? 0) ? [] : [[at, count]]));
};

describe("approved confirmations that nobody signs", () => {
  it("count when a quarter of an hour is over, the one that waits longest with the reason that was told last", () => {
    const board = having(
      [2, approved(1)],
      [3, approved(2)],
      [4, postponed(1, "the signer is down")],
      [5, postponed(1)],
    );
    expect(changes(board)).toEqual([
      [18, 1],
      [19, 2],
    ]);
    const { oldest } = board.view(30 * minute);
    expect(oldest).toEqual({ id: 1, task: confirmation(1).task, since: 2 * minute, reason: "gas" });
  });

  it.each(["signed", "rejected", "superseded"] as const)("count no more when they are %s", (state) => {
    const board = having([0, approved(1)], [1, postponed(1)], [2, became(1, state)]);
    expect(changes(board)).toEqual([]);
  });

  it("are not those that were signed and are not sent again at once", () => {
    expect(changes(having([0, postponed(1, "not sent again", "broadcast")]))).toEqual([]);
  });

  it.each<readonly [string, readonly (readonly [number, Report])[], readonly (readonly [number, number])[]]>([
    ["a pause", [[5, paused]], []],
    [
      "a pause that is over: from then on",
      [
        [5, paused],
        [20, resumed],
      ],
      [[36, 1]],
    ],
    ["a ceiling that will have room", [[5, held(1, 1e9)]], []],
    [
      "a ceiling that is over: from then on",
      [
        [5, held(1, 1e9)],
        [20, postponed(1)],
      ],
      [[36, 1]],
    ],
    ["another daemon that took the key", [[5, key("lost")]], []],
    [
      "another daemon that gave it back: from then on",
      [
        [5, key("waiting")],
        [20, key("held")],
      ],
      [[36, 1]],
    ],
    ["a ceiling that never has so much room", [[5, held(1, undefined)]], []],
    ["no lack of gas money", [[5, key("no-funds")]], [[16, 1]]],
  ])("are explained by %s", (_, reports, expected) => {
    expect(changes(having([0, approved(1)], ...reports))).toEqual(expected);
  });

  it("are found at the start, too, and keep the time at which they were heard of", () => {
    const board = having([1, approved(1)]);
    board.seed([confirmation(1), confirmation(2), confirmation(3, "broadcast")], 10 * minute);
    expect(changes(board)).toEqual([
      [17, 1],
      [26, 2],
    ]);
  });

  it("are not waited for where nothing is ever signed", () => {
    const board = createUnsignedBoard();
    board.seed([confirmation(1)], 0);
    expect(changes(board)).toEqual([]);
  });

  it("are remembered up to a bound", () => {
    const board = having(...Array.from({ length: 30_000 }, (_, id) => [0, approved(id)] as const));
    expect(board.view(60 * minute).count).toBe(20_000);
    board.note(became(7, "signed"), 60 * minute);
    expect(board.view(60 * minute).count).toBe(19_999);
  });
});
