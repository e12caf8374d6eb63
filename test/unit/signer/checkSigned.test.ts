import { fromRlp, toRlp } from "viem";
import { describe, expect, it } from "vitest";
import { FatalError } from "../../../src/errors.ts";
import type { Hex } from "../../../src/protocol/brand.ts";
import { toAddress, toNonce } from "../../../src/protocol/brand.ts";
import { accountCheck } from "../../../src/signer/accountCheck.ts";
import { checkOwn, checkSigned } from "../../../src/signer/checkSigned.ts";
import { javascriptCurve } from "../../../src/signer/javascriptCurve.ts";
import { keyBytes, privateKeySigner } from "../../../src/signer/privateKeySigner.ts";
import { curveOrder } from "../../../src/signer/signature.ts";
import { signingDigest, transactionBytes } from "../../../src/signer/transactionBytes.ts";
import { account, privateKey, transaction, viemBytes } from "./contract.ts";

const isOurs = accountCheck(javascriptCurve, toAddress(account.address));
const asked = transaction();

async function refused(raw: Hex, what: string): Promise<void> {
  const check = checkSigned(raw, asked, isOurs);
  await expect(check).rejects.toBeInstanceOf(FatalError);
  await expect(check).rejects.toMatchObject({
    code: "SIGNED_BYTES_DIFFER",
    message: `the signed transaction differs from the one asked for in: ${what}`,
  });
}

describe("checkSigned", () => {
  it("answers the bytes that were asked for, with their hash", async () => {
    const raw = await viemBytes(asked);
    await expect(checkSigned(raw.toUpperCase().replace("0X", "0x") as Hex, asked, isOurs)).resolves.toEqual(
      await privateKeySigner(privateKey).sign(asked),
    );
  });

  it.each<[string, Partial<Parameters<typeof account.signTransaction>[0]>]>([
    ["to", { to: "0x2b0cc6058313801d5feb184a539e3a0c5a87a6a1" }],
    ["data", { data: "0xa1b2c3d5" }],
    ["nonce", { nonce: 8 }],
    ["value", { value: 1n }],
    ["chainId", { chainId: 1 }],
    ["gas", { gas: 1n }],
    ["maxFeePerGas", { maxFeePerGas: 10n ** 12n }],
    ["maxPriorityFeePerGas", { maxPriorityFeePerGas: 1n }],
    ["accessList", { accessList: [{ address: asked.to, storageKeys: [] }] }],
  ])("stops before broadcast when the bytes differ in %s", async (field, change) => {
    const { chainId, to, data, nonce, gas, fees } = asked;
    await refused(
      await account.signTransaction({ chainId, to, data, nonce, gas, value: 0n, ...fees, ...change } as never),
      field,
    );
  });

  it("stops when a legacy transaction is for another chain", async () => {
    const old = transaction({ fees: { type: "legacy", gasPrice: 1n } });
    const check = checkSigned(await viemBytes({ ...old, chainId: 1 }), old, isOurs);
    await expect(check).rejects.toThrow("in: chainId");
  });

  it("stops when another key signed, the first time and after it knows the account's", async () => {
    const other = await privateKeySigner(`0x${"6".repeat(64)}`).sign(asked);
    const fresh = accountCheck(javascriptCurve, toAddress(account.address));
    await expect(checkSigned(other.raw, asked, fresh)).rejects.toThrow("in: signer");
    await checkSigned(await viemBytes(asked), asked, fresh);
    await expect(checkSigned(other.raw, asked, fresh)).rejects.toThrow("in: signer");
  });

  it("stops at a high s, and at the wrong parity, which the chain would refuse", async () => {
    const { r, s, yParity } = javascriptCurve.sign(signingDigest(asked), keyBytes(privateKey));
    const flipped = yParity === 0 ? 1 : 0;
    await refused(transactionBytes(asked, { r, s: curveOrder - s, yParity: flipped }), "signer");
    await refused(transactionBytes(asked, { r, s, yParity: flipped }), "signer");
    await refused(transactionBytes(asked, { r: 0n, s, yParity }), "signer");
  });

  it.each<[string, Hex]>([
    ["nothing", "0x"],
    ["noise", `0x02${"ab".repeat(50)}`],
    ["an unsigned transaction", "0x02e982042f0780808252089400000000000000000000000000000000000000008084a1b2c3d4c0"],
  ])("stops at %s", async (_, raw) => {
    await expect(checkSigned(raw, asked, isOurs)).rejects.toMatchObject({ code: "SIGNED_BYTES_DIFFER" });
  });

  it.each<[string, Hex | readonly Hex[]]>([
    ["nothing", "0x"],
    ["a list", ["0x01", "0x02"]],
  ])("stops at %s in the place of a number of the signature", async (_, r) => {
    const old = transaction({ fees: { type: "legacy", gasPrice: 1n } });
    const fields = fromRlp(await viemBytes(old), "hex") as Hex[];
    for (const place of [7, 8]) {
      const raw = toRlp(fields.map((field, index) => (index === place ? r : field)) as Hex[]);
      await expect(checkSigned(raw, old, isOurs)).rejects.toMatchObject({ code: "SIGNED_BYTES_DIFFER" });
    }
  });

  it("stops at bytes after the end", async () => {
    await expect(checkSigned(`${await viemBytes(asked)}00`, asked, isOurs)).rejects.toBeInstanceOf(FatalError);
  });
});

describe("checkOwn", () => {
  const legacy = transaction({ fees: { type: "legacy", gasPrice: 30n } });
  const signed = (of: typeof asked) => {
    const signature = javascriptCurve.sign(signingDigest(of), keyBytes(privateKey));
    return { signature, raw: transactionBytes(of, signature) };
  };
  const refusal = (fields: string) => `the signed transaction differs from the one asked for in: ${fields}`;

  it.each([["EIP-1559", asked] as const, ["legacy", legacy] as const])(
    "reads back what it was asked to sign: %s",
    async (_, of) => {
      const { raw, signature } = signed(of);
      expect(checkOwn(raw, of, signature)).toEqual(await privateKeySigner(privateKey).sign(of));
      expect(raw).toBe(await viemBytes(of));
    },
  );

  it.each<[string, Partial<typeof asked>]>([
    ["to", { to: "0x2b0cc6058313801d5feb184a539e3a0c5a87a6a1" }],
    ["data", { data: "0xa1b2c3d5" }],
    ["data", { data: "0x" }],
    ["nonce", { nonce: toNonce(8) }],
    ["nonce", { nonce: toNonce(0) }],
    ["chainId", { chainId: 1 }],
    ["gas", { gas: 1n }],
  ])("finds other bytes than those that were asked for in %s (%o)", (field, change) => {
    for (const of of [asked, legacy]) {
      const { signature } = signed(of);
      const raw = transactionBytes({ ...of, ...change }, signature);
      expect(() => checkOwn(raw, of, signature)).toThrow(refusal(field));
    }
  });

  it("finds other fees, another signature, and a transaction of the other type", () => {
    const { raw, signature } = signed(asked);
    const fees = { type: "eip1559", maxFeePerGas: 1n, maxPriorityFeePerGas: 2n } as const;
    expect(() => checkOwn(raw, { ...asked, fees }, signature)).toThrow(refusal("maxPriorityFeePerGas, maxFeePerGas"));
    expect(() => checkOwn(raw, asked, { ...signature, r: signature.r + 1n })).toThrow(refusal("signature"));
    expect(() => checkOwn(raw, asked, { ...signature, yParity: signature.yParity === 0 ? 1 : 0 })).toThrow(
      refusal("signature"),
    );
    expect(() => checkOwn(raw, legacy, signature)).toThrow(refusal("the whole"));
    expect(() => checkOwn(signed(legacy).raw, asked, signature)).toThrow(refusal("the whole"));
  });

  it.each<[string, (raw: Hex) => string]>([
    ["bytes after the end", (raw) => `${raw}00`],
    ["an end that is missing", (raw) => raw.slice(0, -2)],
    ["half a byte", (raw) => raw.slice(0, -1)],
    ["an access list", (raw) => raw.replace("c0", "c1")],
    ["digits that are none", (raw) => `${raw.slice(0, -2)}zz`],
    ["nothing", () => "0x"],
    ["the type alone", () => "0x02"],
  ])("stops at %s", (_, change) => {
    const { raw, signature } = signed(asked);
    expect(() => checkOwn(change(raw) as Hex, asked, signature)).toThrow(FatalError);
  });

  /** The same transaction with some of its fields written otherwise. */
  const rewritten = (raw: Hex, edit: (fields: unknown[]) => unknown[]): Hex =>
    `0x02${toRlp(edit(fromRlp(`0x${raw.slice(4)}`, "hex") as unknown[]) as Hex[]).slice(2)}`;
  const instead = (place: number, value: unknown) => (fields: unknown[]) => fields.with(place, value);
  it.each<[string, (raw: Hex) => string]>([
    ["another type of the same fields", (raw) => `0x01${raw.slice(4)}`],
    ["one field more", (raw) => rewritten(raw, (fields) => [...fields, "0x"])],
    ["one field less", (raw) => rewritten(raw, (fields) => fields.slice(0, -1))],
    ["a value", (raw) => rewritten(raw, instead(6, "0x01"))],
    [
      "a zero in front of a number",
      (raw) => rewritten(raw, (fields) => fields.with(4, `0x00${String(fields[4]).slice(2)}`)),
    ],
    ["an access list with something in it", (raw) => rewritten(raw, instead(8, [[asked.to, []]]))],
    ["data in the place of the access list", (raw) => rewritten(raw, instead(8, "0x"))],
    ["a list of the same bytes in the place of the data", (raw) => raw.replace("84a1b2c3d4", "c4a1b2c3d4")],
  ])("stops at %s", (_, change) => {
    const { raw, signature } = signed(asked);
    expect(change(raw)).not.toBe(raw);
    expect(() => checkOwn(change(raw) as Hex, asked, signature)).toThrow(FatalError);
  });

  it("finds another price of a legacy transaction", () => {
    const { raw, signature } = signed(legacy);
    const asks = transaction({ fees: { type: "legacy", gasPrice: 31n } });
    expect(() => checkOwn(raw, asks, signature)).toThrow(refusal("gasPrice"));
  });
});
