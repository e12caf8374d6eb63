import fc from "fast-check";
import { type Hex, keccak256, numberToHex, serializeTransaction } from "viem";
import { expect, it } from "vitest";
import { toNonce } from "../../../src/protocol/brand.ts";
import type { UnsignedTransaction } from "../../../src/signer/signerPort.ts";
import { writeTransaction } from "../../../src/signer/transactionBytes.ts";

const hexOf = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes): Hex => `0x${Buffer.from(bytes).toString("hex")}`);
/** Small ones as well: zero, and what fits one byte, have encodings of their own. */
const amount = (bits: number) => fc.oneof(fc.bigInt(0n, 300n), fc.bigInt(0n, (1n << BigInt(bits)) - 1n));
const fees = fc.oneof(
  fc.record({ type: fc.constant("legacy" as const), gasPrice: amount(96) }),
  fc.tuple(amount(96), amount(96)).map(([one, other]) => {
    const [maxPriorityFeePerGas, maxFeePerGas] = one < other ? [one, other] : [other, one];
    return { type: "eip1559" as const, maxFeePerGas, maxPriorityFeePerGas };
  }),
);
const transaction: fc.Arbitrary<UnsignedTransaction> = fc.record({
  chainId: fc.oneof(
    fc.constantFrom(1, 1071, 200820172034, Number.MAX_SAFE_INTEGER),
    fc.integer({ min: 1, max: 2 ** 40 }),
  ),
  to: hexOf(20, 20),
  data: fc.oneof(hexOf(36, 36), hexOf(0, 3), hexOf(50, 300)),
  nonce: fc.nat().map(toNonce),
  gas: amount(64),
  fees,
});
const signature = fc.record({ r: amount(256), s: amount(256), yParity: fc.constantFrom(0 as const, 1 as const) });

it("writes what the general encoder writes, whatever the transaction is", () => {
  const property = fc.property(transaction, signature, (asked, { r, s, yParity }) => {
    const { fees: its, ...fields } = asked;
    const all = { ...fields, value: 0n, ...its };
    const { digest, signed } = writeTransaction(asked);
    expect(`0x${Buffer.from(digest()).toString("hex")}`).toBe(keccak256(serializeTransaction(all)));
    const parts = {
      r: numberToHex(r, { size: 32 }),
      s: numberToHex(s, { size: 32 }),
      v: BigInt(27 + yParity),
      yParity,
    };
    expect(signed({ r, s, yParity })).toBe(serializeTransaction(all, parts));
  });
  fc.assert(property, { numRuns: 1_000 });
});

it("takes addresses and data in any case", () => {
  const asked: UnsignedTransaction = {
    ...{ chainId: 1071, to: `0x${"aB".repeat(20)}`, data: "0xABcd", nonce: toNonce(1), gas: 1n },
    fees: { type: "legacy", gasPrice: 1n },
  };
  const { signed } = writeTransaction({ ...asked, to: `0x${"ab".repeat(20)}`, data: "0xabcd" });
  const any = { r: 1n, s: 1n, yParity: 0 } as const;
  expect(writeTransaction(asked).signed(any)).toBe(signed(any));
});
