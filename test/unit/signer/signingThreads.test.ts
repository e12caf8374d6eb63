import { describe, expect, it, onTestFinished } from "vitest";
import { RetryableError } from "../../../src/errors.ts";
import { type AccountAddress, toAddress } from "../../../src/protocol/brand.ts";
import { javascriptCurve } from "../../../src/signer/javascriptCurve.ts";
import { keyBytes } from "../../../src/signer/privateKeySigner.ts";
import { type SigningThread, startSigningThread } from "../../../src/signer/thread/signingThread.ts";
import { openSigningThreads } from "../../../src/signer/thread/signingThreads.ts";
import { threadedSigner } from "../../../src/signer/threadedSigner.ts";
import { account, privateKey, transaction, viemBytes } from "./contract.ts";

const address: AccountAddress = toAddress(account.address);
const birth = { engine: "javascript", privateKey: keyBytes(privateKey), address } as const;
const digest = new Uint8Array(32).fill(9);

function open(count = 1, given: Parameters<typeof openSigningThreads>[0] = birth) {
  const started: SigningThread[] = [];
  const threads = openSigningThreads(given, count, (each) => {
    const thread = startSigningThread(each);
    started.push(thread);
    return thread;
  });
  onTestFinished(() => threads.close());
  return { threads, started };
}

describe("openSigningThreads", () => {
  it("signs with the key that it was given, and says whose signature it is", async () => {
    const { threads } = open();
    const signature = javascriptCurve.sign(digest, birth.privateKey);
    await expect(threads.sign(digest)).resolves.toMatchObject({ signature, parity: signature.yParity });
    await expect(threads.check(digest, signature)).resolves.toBe(signature.yParity);
    await expect(threads.check(new Uint8Array(32), signature)).resolves.toBeUndefined();
  });

  it("only checks where it was given no key", async () => {
    const { threads } = open(1, { ...birth, privateKey: undefined });
    const signature = javascriptCurve.sign(digest, birth.privateKey);
    await expect(threads.check(digest, signature)).resolves.toBe(signature.yParity);
    await expect(threads.sign(digest)).rejects.toMatchObject({ code: "SIGNING_THREAD_LOST" });
  });

  it("gives work to the thread that has least of it", async () => {
    const { threads, started } = open(2);
    await threads.ready();
    const work = Array.from({ length: 6 }, () => threads.sign(digest));
    expect(started.map((thread) => thread.load())).toEqual([3, 3]);
    await Promise.all(work);
  });

  it("refuses what a lost thread had, and goes on with a new one", async () => {
    const { threads, started } = open();
    await threads.ready();
    const [first] = started;
    const refusal = expect(threads.sign(digest)).rejects.toBeInstanceOf(RetryableError);
    await first?.close();
    await refusal;
    await expect(threads.sign(digest)).resolves.toMatchObject({ parity: expect.any(Number) });
    expect(started).toHaveLength(2);
  });

  it("refuses everything once it is closed", async () => {
    const { threads } = open();
    await threads.close();
    await expect(threads.sign(digest)).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
  });

  it("says so if a thread cannot start, and not why", async () => {
    const { threads } = open(1, { ...birth, privateKey: new Uint8Array(32).fill(255) });
    const start = threads.ready();
    await expect(start).rejects.toMatchObject({ code: "SIGNING_THREAD_LOST" });
    await expect(start).rejects.not.toThrow(/255|ff/);
  });
});

describe("threadedSigner", () => {
  it("leaves the event loop free while it signs", async () => {
    const signer = await threadedSigner({ privateKey });
    onTestFinished(() => signer.close());
    let settled = 0;
    const asked = transaction();
    const work = Array.from({ length: 50 }, async () => {
      const { raw } = await signer.sign(asked);
      settled++;
      return raw;
    });
    await new Promise(setImmediate);
    expect(settled).toBeLessThan(50);
    expect(new Set(await Promise.all(work))).toEqual(new Set([await viemBytes(asked)]));
  });

  it("refuses what waits when it is closed", async () => {
    const signer = await threadedSigner({ privateKey });
    const refusal = expect(signer.sign(transaction())).rejects.toBeInstanceOf(RetryableError);
    await signer.close();
    await refusal;
  });
});
