import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checksummed, toAddress } from "../../../src/protocol/brand.ts";

describe("an address", () => {
  it("is the same in lower case, checksummed and read again", () => {
    const hex = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("hex"));
    fc.assert(
      fc.property(hex, (digits) => {
        expect(toAddress(`0x${digits}`)).toBe(`0x${digits}`);
        expect(toAddress(checksummed(`0x${digits}`))).toBe(`0x${digits}`);
      }),
    );
  });

  it.each([
    ["too short", "0x1234"],
    ["too long", `0x${"1".repeat(41)}`],
    ["without 0x", "2b0cC6058313801D5feb184a539e3a0C5A87a6a1"],
    ["not hex", `0x${"g".repeat(40)}`],
    ["mistyped in a letter's case", "0x2B0cC6058313801D5feb184a539e3a0C5A87a6a1"],
    ["empty", ""],
  ])("is refused when it is %s", (_, text) => {
    expect(() => toAddress(text)).toThrow(TypeError);
  });
});
