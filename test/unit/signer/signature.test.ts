import { describe, expect, it } from "vitest";
import { curveOrder, isCanonical, knownCheck, lowS } from "../../../src/signer/signature.ts";

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

it("the lower of two values of s is the one that the chain takes, at the middle, too", () => {
  expect([1n, half, half + 1n, curveOrder - 1n].map(lowS)).toEqual([1n, half, half, 1n]);
});

it("what was said of one signature of one digest is said of no other", () => {
  const digest = new Uint8Array(32).fill(1);
  const check = knownCheck(digest, { r: 1n, s: 2n }, 1);
  const others = [
    check(digest.with(31, 2), { r: 1n, s: 2n }),
    check(digest, { r: 2n, s: 2n }),
    check(digest, { r: 1n, s: 1n }),
  ];
  expect([check(digest.slice(), { r: 1n, s: 2n }), ...others]).toEqual([1, undefined, undefined, undefined]);
});
