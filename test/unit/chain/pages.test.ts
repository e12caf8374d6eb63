import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PageBounds, pageSize, readStretch } from "../../../src/chain/pages.ts";
import { zeroAddress } from "../../../src/protocol/brand.ts";
import { address } from "../../support/fakeChain.ts";

const listOf = (length: number) => Array.from({ length }, (_, index) => address<string>(index + 1));

describe("reading a contract's list", () => {
  it("gives every entry once, stretch by stretch, and asks for nothing past the end", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(5_000), fc.nat(5_000), async (length, start) => {
        const list = listOf(length);
        const found: string[] = [];
        let from = start;
        for (let more = true; more; ) {
          const stretch = await readStretch(from, length, async (pages) =>
            pages.map(([lower, upper]) => {
              expect(upper).toBeLessThanOrEqual(BigInt(length));
              expect(Number(upper - lower)).toBeLessThanOrEqual(pageSize);
              return list.slice(Number(lower), Number(upper));
            }),
          );
          found.push(...stretch.found);
          [from, more] = [stretch.next, stretch.more];
        }
        expect(found).toEqual(list.slice(start));
        expect(from).toBe(Math.max(start, length));
      }),
      { numRuns: 30 },
    );
  });

  it("leaves zero addresses out, and gives the others in lower case", async () => {
    const ask = async () => [[zeroAddress, "0xABCDEF0000000000000000000000000000000001", zeroAddress]];
    const found = ["0xabcdef0000000000000000000000000000000001"];
    expect(await readStretch(0, 3, ask)).toEqual({ found, next: 3, more: false });
  });

  it.each([
    ["reverts", undefined, 256],
    ["is empty", [], 256],
    ["is short", listOf(10), 266],
  ])("goes on from where a page %s, as that of a lagging node, and not at once", async (_, second, expected) => {
    const answers = [listOf(256), second, listOf(256)];
    const ask = async (pages: readonly PageBounds[]) => pages.map((_, index) => answers[index]);
    const { found, next, more } = await readStretch(0, 768, ask);
    expect([found.length, next, more]).toEqual([256 + (second?.length ?? 0), expected, false]);
  });
});
