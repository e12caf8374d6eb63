import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, it } from "vitest";
import { toSigner } from "../../../src/client/signerOf.ts";
import { type AccountAddress, toNonce } from "../../../src/protocol/brand.ts";
import { privateKeySigner } from "../../../src/signer/privateKeySigner.ts";
import type { Signer, UnsignedTransaction } from "../../../src/signer/signerPort.ts";

const key = privateKeySigner("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
const checksummed = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" as AccountAddress;

const fees = { type: "legacy", gasPrice: 1n } as const;
const transaction = {
  ...{ chainId: 1071, to: "0x", data: "0x", nonce: 0, gas: 21_000n },
  fees,
} as unknown as UnsignedTransaction;

describe("a signer of one's own", () => {
  it.each([
    ["a number", 5],
    ["nothing", null],
    ["an object without a method", { address: checksummed }],
    ["one without an address", { sign: key.sign }],
    ["an account of viem, which signs something else", privateKeyToAccount(`0x${"1".repeat(64)}`)],
  ])("is not %s", (_, given) => {
    expect(() => toSigner(given as never)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(KEY|ADDRESS)_INVALID$/) }),
    );
  });

  it("has one lane however its address is written, and keeps its methods", async () => {
    class Vault implements Signer {
      readonly #key = key;
      readonly address = checksummed;
      closed = false;
      sign(transaction: UnsignedTransaction) {
        return this.#key.sign(transaction);
      }
      async close() {
        this.closed = true;
      }
    }
    const vault = new Vault();
    const signer = toSigner(vault);
    expect(signer.address).toBe(key.address);
    expect(await signer.sign(transaction)).toEqual(await key.sign(transaction));
    await signer.close?.();
    expect(vault.closed).toBe(true);
  });

  it("is believed no hash: what is looked for under a wrong one would be published again and again", async () => {
    const sign = async () => ({ ...(await key.sign(transaction)), hash: `0x${"5".repeat(64)}` as const });
    expect(await toSigner({ ...key, sign }).sign(transaction)).toEqual(await key.sign(transaction));
  });

  it.each<[string, Signer["sign"]]>([
    ["nonce", (asked) => key.sign({ ...asked, nonce: toNonce(1) })],
    ["chainId", (asked) => key.sign({ ...asked, chainId: 1 })],
    ["signer", privateKeySigner(`0x${"2".repeat(64)}`).sign],
    ["the whole", async () => ({ raw: "0x", hash: "0x" })],
    ["the whole", async () => ({}) as never],
  ])("is refused where it signs another %s than it was asked for, before anything is sent", async (what, sign) => {
    await expect(toSigner({ ...key, sign }).sign(transaction)).rejects.toMatchObject({
      code: "SIGNED_BYTES_DIFFER",
      message: expect.stringContaining(what),
    });
  });
});
