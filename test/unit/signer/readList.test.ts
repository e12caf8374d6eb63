import { type Hex, toRlp } from "viem";
import { describe, expect, it } from "vitest";
import { readList } from "../../../src/signer/readList.ts";

const bytes = (count: number, fill = "ab"): Hex => `0x${fill.repeat(count)}`;
const read = (of: Parameters<typeof toRlp>[0]) => readList(toRlp(of).slice(2));

describe("readList", () => {
  it("reads what a general encoder has written, whatever its lengths", () => {
    const lengths = [0, 1, 2, 54, 55, 56, 57, 255, 256, 257, 65_535, 65_536];
    for (const each of lengths) {
      for (const fill of ["00", "7f", "80", "ff"]) {
        const items = [bytes(each, fill), bytes(1, fill), bytes(0)] as const;
        expect(read(items)).toEqual(items.map((item) => ({ isList: false, hex: item.slice(2) })));
      }
    }
    expect(read([])).toEqual([]);
  });

  it("tells a list within from bytes, and does not look into it", () => {
    expect(read([[], ["0x01", "0x02"], "0x03"])).toEqual([
      { isList: true, hex: "" },
      { isList: true, hex: "0102" },
      { isList: false, hex: "03" },
    ]);
  });

  it.each([
    ["nothing", ""],
    ["bytes that are no list", "820102"],
    ["what comes after the list", "c10100"],
    ["a list that ends too early", "c20"],
    ["a list shorter than it says", "c3018201"],
    ["an item longer than its list", "c2820102"],
    ["a small byte with a length before it", "c28101"],
    ["a long length where a short one will do", "c3b80101"],
    ["a long length of a list where a short one will do", "f80101"],
    ["a length with a zero in front", `f8${"3b"}b90038${"ab".repeat(56)}`],
    ["a length of five bytes", "fc0000000001"],
    ["digits that are none", "c1zz"],
    ["capital digits", "C101"],
  ])("refuses %s", (_, hex) => {
    expect(() => readList(hex)).toThrow(RangeError);
  });
});
