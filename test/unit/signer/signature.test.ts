import { describe, expect, it } from "vitest";
import { curveOrder, isCanonical } from "../../../src/signer/signature.ts";

const half = curveOrder >> 1n;

describe("a signature that the chain takes", () => {
  it.each<[bigint, bigint, boolean]>([
    [1n, 1n, true],
    [curveOrder - 1n, half, true],
    [0n, 1n, false],
    [1n, 0n, false],
    [curveOrder, 1n, false],
    [1n, half + 1n, false],
  ])("has an r from one to the order and an s from one to its half: r %d and s %d", (r, s, isTaken) => {
    expect(isCanonical({ r, s })).toBe(isTaken);
  });
});
