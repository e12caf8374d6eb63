import fc from "fast-check";
import { keccak256 } from "viem";
import { expect, it, onTestFinished, vi } from "vitest";
import { isCompiled, keccakOf } from "../../../src/signer/keccak.ts";
import { privateKey, transaction, viemBytes } from "./contract.ts";

const hexOf = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString("hex")}`;
const ofNothing = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";

it("hashes from the first moment on, as it does when WebAssembly is compiled", async () => {
  expect(hexOf(keccakOf(new Uint8Array()))).toBe(ofNothing);
  expect(await isCompiled).toBe(true);
  expect(hexOf(keccakOf(new Uint8Array()))).toBe(ofNothing);
});

it("hashes what the other implementation hashes, whatever it is and how long, and answers bytes that nobody changes later", async () => {
  expect(await isCompiled).toBe(true);
  const bytes = fc.uint8Array({ maxLength: 1_000 });
  fc.assert(
    fc.property(bytes, bytes, (one, other) => {
      const [first, second] = [keccakOf(one), keccakOf(other)];
      expect([hexOf(first), hexOf(second)]).toEqual([keccak256(one), keccak256(other)]);
    }),
    { numRuns: 500 },
  );
});

it("hashes all the same where there is no WebAssembly", async () => {
  vi.resetModules();
  vi.stubGlobal("WebAssembly", undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
  const without = await import("../../../src/signer/keccak.ts");
  expect(await without.isCompiled).toBe(false);
  expect(hexOf(without.keccakOf(new Uint8Array()))).toBe(ofNothing);
  const { privateKeySigner } = await import("../../../src/signer/privateKeySigner.ts");
  expect((await privateKeySigner(privateKey).sign(transaction())).raw).toBe(await viemBytes(transaction()));
});
