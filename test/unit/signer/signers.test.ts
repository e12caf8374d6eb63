import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ConfigError, FatalError } from "../../../src/errors.ts";
import { type AccountAddress, toAddress } from "../../../src/protocol/brand.ts";
import { createDigestSigner } from "../../../src/signer/createDigestSigner.ts";
import type { Curve } from "../../../src/signer/curve.ts";
import { javascriptCurve } from "../../../src/signer/javascriptCurve.ts";
import { keyBytes, privateKeySigner } from "../../../src/signer/privateKeySigner.ts";
import { recoverSigner } from "../../../src/signer/recoverSigner.ts";
import { threadedSigner } from "../../../src/signer/threadedSigner.ts";
import { account, describeSigner, privateKey, transaction } from "./contract.ts";
import { createFakeKeyService } from "./fakeKeyService.ts";

const address: AccountAddress = toAddress(account.address);
const service = createFakeKeyService(keyBytes(privateKey));

describeSigner({ name: "privateKeySigner", open: () => privateKeySigner(privateKey), deterministic: true });
describeSigner({ name: "threadedSigner", open: () => threadedSigner({ privateKey }), deterministic: true });
describeSigner({
  name: "threadedSigner with two threads",
  open: () => threadedSigner({ privateKey, threads: 2 }),
  deterministic: true,
});
describeSigner({
  name: "createDigestSigner around a key service that answers DER",
  open: () =>
    createDigestSigner({ publicKey: service.publicKey, signDigest: async (digest) => service.signDer(digest) }),
  deterministic: false,
});
describeSigner({
  name: "createDigestSigner around one that answers r and s, its address alone known",
  open: () => createDigestSigner({ address, signDigest: async (digest) => service.signRaw(digest) }),
  deterministic: false,
});

describe("privateKeySigner", () => {
  const flipped = { 0: 1, 1: 0 } as const;
  it.each<[string, Curve["sign"]]>([
    ["by another key", (digest) => javascriptCurve.sign(digest, keyBytes(`0x${"6".repeat(64)}`))],
    [
      "of another digest",
      (digest, key) =>
        javascriptCurve.sign(
          digest.map((byte) => byte ^ 1),
          key,
        ),
    ],
    [
      "with the wrong parity",
      (digest, key) => {
        const signature = javascriptCurve.sign(digest, key);
        return { ...signature, yParity: flipped[signature.yParity] };
      },
    ],
    ["that the chain refuses", () => ({ r: 0n, s: 1n, yParity: 0 })],
  ])("lets out no signature %s, should the curve ever give one", async (_, sign) => {
    const signing = privateKeySigner(privateKey, { ...javascriptCurve, sign }).sign(transaction());
    await expect(signing).rejects.toMatchObject({ code: "SIGNED_BYTES_DIFFER" });
  });
});

describe("createDigestSigner", () => {
  it("stops when the service signs with another key, or hashes the digest first", async () => {
    const other = createFakeKeyService(keyBytes(`0x${"6".repeat(64)}`));
    for (const known of [{ address }, { publicKey: service.publicKey }]) {
      const signer = createDigestSigner({ ...known, signDigest: async (digest) => other.signDer(digest) });
      const refusal = signer.sign(transaction());
      await expect(refusal).rejects.toBeInstanceOf(FatalError);
      await expect(refusal).rejects.toMatchObject({ code: "SIGNED_BYTES_DIFFER" });
    }
  });

  it("stops when the service answers something else", async () => {
    const signer = createDigestSigner({ address, signDigest: async () => Buffer.from("no signature") });
    await expect(signer.sign(transaction())).rejects.toMatchObject({ code: "SIGNED_BYTES_DIFFER" });
  });

  it("checks what it asked for, whatever the service makes of the bytes that it was given", async () => {
    const signDigest = async (digest: Uint8Array) => {
      const signature = service.signDer(digest);
      digest.fill(0);
      return signature;
    };
    const { raw } = await createDigestSigner({ address, signDigest }).sign(transaction());
    expect(await recoverSigner(raw)).toBe(address);
  });

  it("takes a public key without its frame, compressed or not", () => {
    const publicKey = Buffer.from(javascriptCurve.publicKey(keyBytes(privateKey)));
    const compressed = Buffer.concat([Buffer.of(2 + ((publicKey[64] ?? 0) & 1)), publicKey.subarray(1, 33)]);
    for (const each of [publicKey, compressed]) {
      expect(createDigestSigner({ publicKey: each, signDigest: async () => each }).address).toBe(address);
    }
  });

  it("refuses a key of another curve", () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const der = publicKey.export({ type: "spki", format: "der" });
    expect(() => createDigestSigner({ publicKey: der, signDigest: async () => der })).toThrow(ConfigError);
  });
});
