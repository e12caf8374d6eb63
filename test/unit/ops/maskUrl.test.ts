import fc from "fast-check";
import { expect, it } from "vitest";
import { credentialsIn, maskUrl } from "../../../src/ops/maskUrl.ts";

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const letters = base62.slice(10);

const keyOf = (alphabet: string, length: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: length, maxLength: length });

const key = fc.oneof(
  ...[24, 32].flatMap((length) => [
    keyOf(base62, length),
    // What random keys seldom are: letters alone, or for as long as a word is.
    keyOf(letters, length),
    fc.tuple(keyOf(letters, length - 4), keyOf(base62, 4)).map((parts) => parts.join("")),
  ]),
);

it("never shows a random key, wherever in the path it stands", () => {
  fc.assert(
    fc.property(key, fc.constantFrom("/", "/v2/", "/eth-mainnet/"), (token, before) => {
      const url = `https://rpc.example${before}${token}`;
      expect(maskUrl(url)).toBe(`https://rpc.example${before}***`);
      expect(credentialsIn(url)).toContain(token);
    }),
  );
});

it.each([
  ["https://x/v2/aBcDeFgHiJkLmNoPqRsTuVwXyZabcd12", "https://x/v2/***"],
  ["https://x/abcdefghijklmnopqrstuvwx", "https://x/***"],
  ["https://x/rpc/aBcDeFgH", "https://x/rpc/***"],
])("hides a key that begins like a word: %s", (url, masked) => {
  expect(maskUrl(url)).toBe(masked);
});

it.each([
  "https://x/v1/mainnet/rpc",
  "https://x/eth-mainnet",
  "https://x/multichain/Mainnet/ARCHIVE_NODE",
  "https://x/",
  "https://x",
])("keeps ordinary words readable: %s", (url) => {
  expect(maskUrl(url)).toBe(url);
  expect(credentialsIn(url)).toEqual([]);
});
