import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPages } from "../../../src/chain/pages.ts";
import { zeroAddress } from "../../../src/protocol/brand.ts";
import { address } from "../../support/fakeChain.ts";

const listOf = (length: number) => Array.from({ length }, (_, index) => address<string>(index + 1));

describe("reading a contract's list", () => {
  it("gives every entry once and asks for nothing past the end", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1200), fc.nat(1200), async (length, from) => {
        const list = listOf(length);
        const { found, next } = await readPages(from, length, async (lower, upper) => {
          expect(upper).toBeLessThanOrEqual(BigInt(length));
          return list.slice(Number(lower), Number(upper));
        });
        expect(found).toEqual(list.slice(from));
        expect(next).toBe(Math.max(from, length));
      }),
      { numRuns: 30 },
    );
  });

  it("leaves zero addresses out, and gives the others in lower case", async () => {
    const page = async () => [zeroAddress, "0xABCDEF0000000000000000000000000000000001", zeroAddress];
    expect(await readPages(0, 3, page)).toEqual({ found: ["0xabcdef0000000000000000000000000000000001"], next: 3 });
  });

  it.each([
    ["reverts", undefined, 256],
    ["is empty", [], 256],
    ["is short", listOf(10), 266],
  ])("goes on from where a page %s, as that of a lagging node", async (_, second, expected) => {
    const pages = [listOf(256), second, listOf(256)];
    const { found, next } = await readPages(0, 768, async () => pages.shift());
    expect([found.length, next]).toEqual([256 + (second?.length ?? 0), expected]);
  });
});
