import { keccak256, parseTransaction, recoverTransactionAddress, type TransactionSerialized } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toNonce } from "../../../src/protocol/brand.ts";
import type { Signer, UnsignedTransaction } from "../../../src/signer/signerPort.ts";

export const privateKey = `0x${"7".repeat(64)}` as const;
export const account = privateKeyToAccount(privateKey);
const eip1559 = { type: "eip1559", maxFeePerGas: 30n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n } as const;
const legacy = { type: "legacy", gasPrice: 5n * 10n ** 9n } as const;

export const transaction = (changes: Partial<UnsignedTransaction> = {}): UnsignedTransaction => ({
  chainId: 1071,
  to: "0x8661F4B9c30e07A04d795A192478dfD905625a1D",
  data: "0xa1B2c3d4",
  nonce: toNonce(7),
  gas: 210_000n,
  fees: eip1559,
  ...changes,
});

/** What viem signs when asked for the same. */
export const viemBytes = ({ chainId, to, data, nonce, gas, fees }: UnsignedTransaction) =>
  account.signTransaction({ chainId, to, data, nonce, gas, value: 0n, ...fees });

const cases: readonly (readonly [string, UnsignedTransaction])[] = [
  ["EIP-1559", transaction()],
  ["legacy", transaction({ fees: legacy })],
  ["a chain id beyond 32 bits", transaction({ chainId: 200820172034, fees: legacy })],
  ["the largest chain id", transaction({ chainId: Number.MAX_SAFE_INTEGER, fees: legacy })],
  ["the first nonce", transaction({ nonce: toNonce(0) })],
  ["no data", transaction({ data: "0x" })],
  ["much data", transaction({ data: `0x${"ab".repeat(2_000)}` })],
  ["no fee at all", transaction({ fees: { type: "eip1559", maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } })],
];

export type Contract = {
  readonly name: string;
  /** A signer that holds `privateKey`. */
  readonly open: () => Signer | Promise<Signer>;
  /** Whether it signs as RFC 6979 says, so that its bytes are viem's. */
  readonly deterministic: boolean;
};

/** What every signer must do, wherever its key is. */
export function describeSigner({ name, open, deterministic }: Contract): void {
  describe(name, () => {
    let signer: Signer;
    beforeAll(async () => {
      signer = await open();
    });
    afterAll(() => signer.close?.());

    it("has its address in the daemon's form", () => {
      expect(signer.address).toBe(account.address.toLowerCase());
    });

    it.each(cases)("signs what it was given: %s", async (_, asked) => {
      const { raw, hash } = await signer.sign(asked);
      expect(hash).toBe(keccak256(raw));
      const serializedTransaction = raw as TransactionSerialized;
      expect(await recoverTransactionAddress({ serializedTransaction })).toBe(account.address);
      const parsed = parseTransaction(raw);
      expect(parsed).toMatchObject({ chainId: asked.chainId, gas: asked.gas, type: asked.fees.type });
      expect(parsed.to?.toLowerCase()).toBe(asked.to.toLowerCase());
      const { nonce = 0, value = 0n, data = "0x" } = parsed;
      expect([nonce, value, data]).toEqual([asked.nonce, 0n, asked.data.toLowerCase()]);
    });

    it.runIf(deterministic)("gives viem's bytes, again and again", async () => {
      for (let nonce = 0; nonce < 40; nonce++) {
        const asked = transaction({ nonce: toNonce(nonce), fees: nonce % 2 ? legacy : eip1559 });
        const { raw } = await signer.sign(asked);
        expect(raw).toBe(await viemBytes(asked));
      }
    });

    it("signs many at once, each its own", async () => {
      const asked = Array.from({ length: 20 }, (_, nonce) => transaction({ nonce: toNonce(nonce) }));
      const signed = await Promise.all(asked.map((each) => signer.sign(each)));
      expect(signed.map(({ raw }) => parseTransaction(raw).nonce ?? 0)).toEqual(asked.map(({ nonce }) => nonce));
    });

    it("does not show the key", () => {
      expect(JSON.stringify(signer)).not.toContain("7777777777");
    });
  });
}
