import fc from "fast-check";
import { decodeFunctionResult, encodeFunctionData, encodeFunctionResult, type Hex } from "viem";
import { describe, expect, it } from "vitest";
import { confirmData } from "../../../src/chain/confirmPreviews.ts";
import { decodeByte, decodeResponseParams } from "../../../src/chain/plainAnswers.ts";
import { controllerAbi, responseAbi } from "../../../src/protocol/abi.ts";
import type { ResponseAddress } from "../../../src/protocol/brand.ts";

const params = { abi: responseAbi, functionName: "getResponseParams" } as const;
const status = { abi: responseAbi, functionName: "getStatus" } as const;
const hexOf = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((some): Hex => `0x${Buffer.from(some).toString("hex")}`);
/** Texts of every kind, and bytes that are none: a contract keeps what a provider sent. */
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  fc.constantFrom("", "\u{feff}{}", "\0{}", "{}\0"),
);

describe("an answer that is read where its parts lie", () => {
  it("says what the general decoder says, or leaves it to that one", () => {
    let left = 0;
    const property = fc.property(
      hexOf(20),
      hexOf(20),
      text,
      fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
      (...parts) => {
        const [task, provider, data, payment] = parts;
        const answer = encodeFunctionResult({ ...params, result: { task, provider, data, payment } });
        const plain = decodeResponseParams(answer);
        if (plain === undefined) left += 1;
        const general = decodeFunctionResult({ ...params, data: answer });
        const lower = { task: general.task.toLowerCase(), provider: general.provider.toLowerCase() };
        expect(plain ?? { ...general, ...lower }).toEqual({ ...general, ...lower });
      },
    );
    fc.assert(property, { numRuns: 500 });
    expect(left).toBeLessThan(200);
  });

  it("is left to the general decoder where bytes are no text, are cut off or are laid out in another way", () => {
    const result = { task: `0x${"a".repeat(40)}`, provider: `0x${"b".repeat(40)}`, data: "{}", payment: 1n } as const;
    const answer = encodeFunctionResult({ ...params, result });
    expect(decodeResponseParams(answer)).toMatchObject(result);
    const from = (word: number, text: string) =>
      `${answer.slice(0, 2 + 64 * word)}${text}${answer.slice(2 + 64 * word + text.length)}` as Hex;
    const odd: readonly Hex[] = [
      "0x",
      answer.slice(0, 2 + 64 * 6) as Hex,
      from(0, "1"),
      from(3, "1"),
      from(5, "f"),
      from(6, "zz"),
    ];
    for (const each of odd) expect(decodeResponseParams(each)).toBeUndefined();
  });

  it("gives a byte where there is no more than one", () => {
    const property = fc.property(fc.nat({ max: 255 }), (value) => {
      expect(decodeByte(encodeFunctionResult({ ...status, result: value }))).toBe(value);
    });
    fc.assert(property);
    for (const odd of [
      "0x",
      "0x01",
      `0x${"0".repeat(61)}100`,
      `0x1${"0".repeat(63)}`,
      `0x${"zz".repeat(32)}`,
    ] as const) {
      expect(decodeByte(odd)).toBeUndefined();
    }
  });
});

describe("the call that pays", () => {
  it("is what the general encoder makes of it", () => {
    const property = fc.property(hexOf(20), (response) => {
      const general = encodeFunctionData({ abi: controllerAbi, functionName: "confirmResponse", args: [response] });
      expect(confirmData(response as ResponseAddress)).toBe(general);
    });
    fc.assert(property);
  });
});
