import { keccak256, parseTransaction, recoverTransactionAddress, type TransactionSerialized } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, it } from "vitest";
import { FatalError } from "../../../src/errors.ts";
import { toNonce } from "../../../src/protocol/brand.ts";
import { checkSigned, privateKeySigner } from "../../../src/signer/privateKeySigner.ts";
import type { UnsignedTransaction } from "../../../src/signer/signerPort.ts";

const privateKey = `0x${"7".repeat(64)}` as const;
const account = privateKeyToAccount(privateKey);
const eip1559 = { type: "eip1559", maxFeePerGas: 30n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n } as const;
const legacy = { type: "legacy", gasPrice: 5n * 10n ** 9n } as const;

const transaction = (changes: Partial<UnsignedTransaction> = {}): UnsignedTransaction => ({
  chainId: 1071,
  to: "0x8661F4B9c30e07A04d795A192478dfD905625a1D",
  data: "0xa1B2c3d4",
  nonce: toNonce(7),
  gas: 210_000n,
  fees: eip1559,
  ...changes,
});

describe("privateKeySigner", () => {
  it.each<[string, UnsignedTransaction]>([
    ["EIP-1559", transaction()],
    ["legacy", transaction({ fees: legacy })],
    ["a chain id beyond 32 bits", transaction({ chainId: 200820172034, fees: legacy })],
    ["the first nonce", transaction({ nonce: toNonce(0) })],
    ["no data", transaction({ data: "0x" })],
    ["no fee at all", transaction({ fees: { type: "eip1559", maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } })],
  ])("signs what it was given: %s", async (_, asked) => {
    const { raw, hash } = await privateKeySigner(privateKey).sign(asked);
    expect(hash).toBe(keccak256(raw));
    expect(await recoverTransactionAddress({ serializedTransaction: raw as TransactionSerialized })).toBe(
      account.address,
    );
    const parsed = parseTransaction(raw);
    expect(parsed).toMatchObject({ chainId: asked.chainId, gas: asked.gas, type: asked.fees.type });
    expect(parsed.to?.toLowerCase()).toBe(asked.to.toLowerCase());
    expect([parsed.nonce ?? 0, parsed.value ?? 0n, parsed.data ?? "0x"]).toEqual([
      asked.nonce,
      0n,
      asked.data.toLowerCase(),
    ]);
  });

  it("has its address in the daemon's form", () => {
    expect(privateKeySigner(privateKey).address).toBe(account.address.toLowerCase());
  });

  it("does not show the key", () => {
    expect(JSON.stringify(privateKeySigner(privateKey))).not.toContain("7777777777");
  });

  it.each<[string, Partial<Parameters<typeof account.signTransaction>[0]>]>([
    ["to", { to: "0x2b0cc6058313801d5feb184a539e3a0c5a87a6a1" }],
    ["data", { data: "0xa1b2c3d5" }],
    ["nonce", { nonce: 8 }],
    ["value", { value: 1n }],
    ["chainId", { chainId: 1 }],
    ["gas", { gas: 1n }],
    ["maxFeePerGas", { maxFeePerGas: 10n ** 12n }],
  ])("stops before broadcast when the bytes differ in %s", async (field, change) => {
    const asked = transaction();
    const { chainId, to, data, nonce, gas } = asked;
    const raw = await account.signTransaction({ chainId, to, data, nonce, gas, ...eip1559, ...change } as never);
    const check = checkSigned(raw, asked, account.address);
    await expect(check).rejects.toBeInstanceOf(FatalError);
    await expect(check).rejects.toMatchObject({
      code: "SIGNED_BYTES_DIFFER",
      message: `the signed transaction differs from the one asked for in: ${field}`,
    });
  });

  it("stops when another key signed", async () => {
    const { raw } = await privateKeySigner(`0x${"6".repeat(64)}`).sign(transaction());
    await expect(checkSigned(raw, transaction(), account.address)).rejects.toThrow("in: signer");
  });
});
