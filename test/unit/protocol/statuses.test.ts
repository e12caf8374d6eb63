import { describe, expect, it } from "vitest";
import { explainRevert, revertMeaning } from "../../../src/protocol/reverts.ts";
import {
  hasEnded,
  isClosed,
  isTooLate,
  ResponseStatus,
  statusName,
  TaskStatus,
} from "../../../src/protocol/statuses.ts";

describe("a status", () => {
  it.each([
    ["NEW", false],
    ["ATTEMPTED", false],
    ["RESPONDED", false],
    ["CANCELED", true],
    ["EXPIRED", true],
    ["FINALIZED", true],
  ] as const)("%s is closed: %s", (name, closed) => {
    expect(isClosed(TaskStatus[name])).toBe(closed);
  });

  it("is shown by its name, and as a number where nobody knows it", () => {
    expect(statusName(TaskStatus, 5)).toBe("FINALIZED");
    expect(statusName(ResponseStatus, 0)).toBe("SUBMITTED");
    expect(statusName(TaskStatus, 9)).toBe("UNKNOWN(9)");
  });
});

describe("the expiry of a task", () => {
  it.each([
    [-1, { isTooLate: false, hasEnded: false }],
    [0, { isTooLate: true, hasEnded: false }],
    [1, { isTooLate: true, hasEnded: true }],
  ])("is told by its last second, in which what is under way is still paid: at %i s %o", (seconds, expected) => {
    const task = { expiryTime: 5_000 };
    const now = task.expiryTime + seconds;
    expect({ isTooLate: isTooLate(task, now), hasEnded: hasEnded(task, now) }).toEqual(expected);
  });

  it("lets nothing be begun, and settles nothing, where it is no number", () => {
    const task = { expiryTime: Number.NaN };
    expect([isTooLate(task, 1), hasEnded(task, 1)]).toEqual([true, false]);
  });
});

describe("a revert", () => {
  it("says that somebody else settled the task in two cases only", () => {
    const texts = [
      "AlreadyConfirmed",
      "AlreadyFinalized",
      "Expired",
      "NotOwner",
      "InsufficientBalance",
      "Panic(17)",
      "",
    ];
    expect(texts.map(revertMeaning)).toEqual([
      "settled",
      "settled",
      "expired",
      "passing",
      "passing",
      "unknown",
      "unknown",
    ]);
  });

  it("is explained where it is known, and shown as it is where not", () => {
    expect(explainRevert("NotOwner")).toMatch(/^NotOwner: the signer is neither/);
    expect(explainRevert("Whatever")).toBe("Whatever");
  });
});
