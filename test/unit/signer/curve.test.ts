import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/errors.ts";
import { javascriptCurve } from "../../../src/signer/javascriptCurve.ts";
import { loadNativeCurve } from "../../../src/signer/nativeCurve.ts";
import { privateKeySigner } from "../../../src/signer/privateKeySigner.ts";
import { curveOrder, isCanonical, lowS, type Signature } from "../../../src/signer/signature.ts";
import { threadedSigner } from "../../../src/signer/threadedSigner.ts";
import { describeSigner, privateKey, transaction } from "./contract.ts";

const hasNative = (() => {
  try {
    createRequire(import.meta.url).resolve("secp256k1/bindings.js");
    return true;
  } catch {
    return false;
  }
})();
const curves = [
  ["javascript", () => javascriptCurve, true],
  ["native", () => loadNativeCurve(), hasNative],
] as const;

const hex = (value: bigint) => value.toString(16).padStart(64, "0");
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const keys = fc.bigInt({ min: 1n, max: curveOrder - 1n }).map((key) => new Uint8Array(Buffer.from(hex(key), "hex")));

/** Published vectors of RFC 6979 on secp256k1 with SHA-256: key, message, r and low s. */
const vectors = [
  [
    "1",
    "Satoshi Nakamoto",
    "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8",
    "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5",
  ],
  [
    "1",
    "All those moments will be lost in time, like tears in rain. Time to die...",
    "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b",
    "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21",
  ],
  [
    hex(curveOrder - 1n),
    "Satoshi Nakamoto",
    "fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d0",
    "6b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5",
  ],
  [
    "f8b8af8ce3c7cca5e300d33939540c10d45ce001b8f252bfbc57ba0342904181",
    "Alan Turing",
    "7063ae83e7f62bbb171798131b4a0564b956930092b33b07b395615d9ec7e15c",
    "58dfcc1e00a35e1572f366ffe34ba0fc47db1e7189759b9fb233c5b05ab388ea",
  ],
] as const;

describe.each(curves)("the %s curve", (_, load, present) => {
  it.runIf(present).each(vectors)("signs as RFC 6979 says: key %s, %j", async (key, message, r, s) => {
    const { createHash } = await import("node:crypto");
    const digest = createHash("sha256").update(message).digest();
    const signature = load().sign(digest, new Uint8Array(Buffer.from(key.padStart(64, "0"), "hex")));
    expect([hex(signature.r), hex(signature.s)]).toEqual([r, s]);
  });

  it.runIf(present)("finds its own signatures its own, with the parity that recovers the key", () => {
    const curve = load();
    fc.assert(
      fc.property(keys, bytes32, (key, digest) => {
        const publicKey = curve.publicKey(key);
        const signature = curve.sign(digest, key);
        expect(isCanonical(signature)).toBe(true);
        expect(Buffer.from(curve.recover(digest, signature) ?? []).equals(publicKey)).toBe(true);
        const { r, s } = signature;
        expect(curve.checkFor(publicKey)(digest, { r, s })).toBe(signature.yParity);
      }),
      { numRuns: 15 },
    );
  });

  it.runIf(present)("finds nothing else its own: another digest, another r or s, the other s", () => {
    const curve = load();
    const key = new Uint8Array(32).fill(7);
    const check = curve.checkFor(curve.publicKey(key));
    fc.assert(
      fc.property(bytes32, bytes32, fc.bigInt(1n, curveOrder - 1n), (digest, other, noise) => {
        const signature = curve.sign(digest, key);
        const { r, s } = signature;
        fc.pre(Buffer.compare(digest, other) !== 0 && noise !== r && noise !== s);
        expect(check(other, signature)).toBeUndefined();
        for (const wrong of [
          { r: noise, s },
          { r, s: lowS(noise) },
          { r, s: curveOrder - s },
          { r: r + curveOrder, s },
        ])
          expect(check(digest, wrong)).toBeUndefined();
      }),
      { numRuns: 15 },
    );
    for (const edge of [0n, curveOrder, -1n]) {
      expect(check(new Uint8Array(32).fill(1), { r: edge, s: 1n })).toBeUndefined();
      expect(check(new Uint8Array(32).fill(1), { r: 1n, s: edge })).toBeUndefined();
    }
  });

  it.runIf(present)("refuses what is no private key", () => {
    for (const key of [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(31).fill(1)])
      expect(() => load().publicKey(key)).toThrow();
  });
});

describe("loadNativeCurve", () => {
  it.runIf(hasNative)("gives the same signatures as the other", () => {
    const native = loadNativeCurve();
    fc.assert(
      fc.property(keys, bytes32, (key, digest) => {
        expect(native.sign(digest, key)).toEqual(javascriptCurve.sign(digest, key));
        expect(Buffer.from(native.publicKey(key)).equals(javascriptCurve.publicKey(key))).toBe(true);
      }),
    );
  });

  it.runIf(hasNative)(
    "says by the key what it says without: which of many are its own, whatever stands beside them",
    () => {
      const native = loadNativeCurve();
      const wrongs: readonly ((right: Signature, noise: bigint) => Signature)[] = [
        (right) => right,
        ({ s, yParity }, noise) => ({ r: noise, s, yParity }),
        ({ r, yParity }, noise) => ({ r, s: lowS(noise), yParity }),
        ({ r, s, yParity }) => ({ r, s: curveOrder - s, yParity }),
        ({ r, s, yParity }) => ({ r: r + curveOrder, s, yParity }),
        ({ r, s, yParity }) => ({ r, s, yParity: yParity === 0 ? 1 : 0 }),
      ];
      const change = fc.tuple(bytes32, fc.constantFrom(...wrongs), fc.bigInt(1n, curveOrder - 1n), fc.boolean());
      fc.assert(
        fc.property(keys, fc.array(change, { minLength: 1, maxLength: 20 }), (key, changes) => {
          const signatures = changes.map(([digest, wrong, noise]) => wrong(native.sign(digest, key), noise));
          const digests = changes.map(([digest, , , isOther]) => (isOther ? digest.map((byte) => byte ^ 1) : digest));
          const check = native.checkFor(native.publicKey(key));
          const expected = digests.map((digest, index) => {
            const { r, s } = signatures[index] as Signature;
            return check(digest, { r, s });
          });
          expect(native.ownCheckFor?.(key)(digests, signatures)).toEqual(expected);
        }),
        { numRuns: 100 },
      );
    },
  );

  it.runIf(hasNative)("finds nothing its own with a key that was changed since", () => {
    const native = loadNativeCurve();
    const key = new Uint8Array(32).fill(7);
    const digest = new Uint8Array(32).fill(1);
    const check = native.ownCheckFor?.(key);
    expect(check?.([digest], [native.sign(digest, key)])).not.toEqual([undefined]);
    key[31] = 8;
    expect(check?.([digest], [native.sign(digest, key)])).toEqual([undefined]);
  });

  it("says what to do where it is not installed", () => {
    const missing = () => {
      throw new Error("Cannot find module");
    };
    expect(() => loadNativeCurve(missing)).toThrow(ConfigError);
    expect(() => loadNativeCurve(missing)).toThrow(expect.objectContaining({ code: "CURVE_MISSING" }));
  });
});

it.runIf(hasNative)("signs nothing once it is closed, in this thread as in the others", async () => {
  const signer = await threadedSigner({ privateKey, engine: "native" });
  await signer.close();
  for (const signing of [signer.sign(transaction()), signer.sign(transaction())])
    await expect(signing).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
});

if (hasNative)
  describeSigner({
    name: "privateKeySigner with the native curve",
    open: () => privateKeySigner(privateKey, loadNativeCurve()),
    deterministic: true,
  });
