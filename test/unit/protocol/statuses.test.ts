import { describe, expect, it } from "vitest";
import { explainRevert, revertMeaning } from "../../../src/protocol/reverts.ts";
import { isClosed, ResponseStatus, statusName, TaskStatus } from "../../../src/protocol/statuses.ts";

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
