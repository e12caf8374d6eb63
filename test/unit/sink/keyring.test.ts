import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RetryableError } from "../../../src/errors.ts";
import type { Confirmation } from "../../../src/journal/journal.ts";
import { LeaseLostError } from "../../../src/journal/leaseJournal.ts";
import { type ResponseAddress, type TaskAddress, toNonce } from "../../../src/protocol/brand.ts";
import type { Signer } from "../../../src/signer/signerPort.ts";
import { createKeyring } from "../../../src/sink/keyring.ts";
import { broadcastAll } from "../../../src/sink/send.ts";
import { admit } from "../../support/admit.ts";
import { address, type FakeAnswers, hashOf, snapshotOf } from "../../support/fakeChain.ts";
import { createSinkBench, type SinkBench, signerOfKey } from "../../support/sinkBench.ts";

const [first, second] = [signerOfKey("1"), signerOfKey("2")];
let bench: SinkBench;
let now: number;
let made: number;
beforeEach(() => {
  bench = createSinkBench();
  now = 0;
  made = 0;
});
afterEach(() => bench.remove());

/** Another process signs with a key, in this nonce. */
const signWith = async (signer: Signer, nonce = 0): Promise<Confirmation> => {
  made += 1;
  const intent = { task: address<TaskAddress>(0x100 + made), response: address<ResponseAddress>(0x200 + made) };
  const minedNonce = async () => toNonce(nonce);
  return (await admit(bench.deps({ snapshot: snapshotOf, minedNonce }, { signer }), (await bench.intend(intent)).id))
    .confirmation;
};
const ringOf = (signers: readonly Signer[], chain: FakeAnswers = {}) =>
  createKeyring({ ...bench.deps({ snapshot: snapshotOf, ...chain }), now: () => now }, signers, {
    ...{ maxInFlight: 16, foreignPending: "wait", warnBelowConfirmations: 0, owner: "this one", leaseMs: 45_000 },
  });
const takenBy = (owner: string, signer: Signer, ttlMs: number) =>
  bench.journal.takeLease(signer.address, owner, now, ttlMs);
const ownerOf = async ({ address: key }: Signer) =>
  (await bench.journal.leases()).find(({ signer }) => signer === key)?.owner;
const final = { blockNumber: 90n, blockHash: hashOf(90), succeeded: true, gasUsed: 1n, gasPrice: 1n };

describe("a key", () => {
  it("that comes free later is taken with what it has out by then", async () => {
    await takenBy("another one", first, 1_000);
    const ring = ringOf([first]);
    await ring.start();
    const signed = await signWith(first).catch(() => undefined);
    expect([signed, ring.held()]).toEqual([undefined, []]);
    await bench.journal.releaseLease({ signer: first.address, token: 1 });
    const fences = [await takenBy("another one", first, 1_000)];
    const { id } = await bench.intend();
    await admit(bench.deps({}, { fences: () => fences }), id);
    now = 1_000;
    await ring.renew();
    expect(ring.held().map(({ track }) => track.lane.find(id)?.state)).toEqual(["signed"]);
  });

  it("that was lost is left to whoever has it, also once that one's lease is over", async () => {
    const ring = ringOf([first, second]);
    await ring.start();
    now = 50_000;
    await takenBy("a thief", first, 1_000);
    await ring.renew();
    expect(ring.held().map((key) => key.address)).toEqual([second.address]);
    now = 60_000;
    await ring.renew();
    expect([await ownerOf(first), await ownerOf(second)]).toEqual(["a thief", "this one"]);
  });

  it("is not lost because another one is", async () => {
    const ring = ringOf([first, second]);
    await ring.start();
    const [key] = ring.held();
    if (key === undefined) throw new Error("no key is held");
    const lost = new LeaseLostError(second.address, "a thief");
    await expect(ring.work(key, () => Promise.reject(lost))).rejects.toBe(lost);
    expect(ring.held()).toHaveLength(2);
  });

  it("has nothing in flight of what is to be tried anew, though it has signed it once", async () => {
    const { id } = await signWith(first);
    await bench.journal.changeConfirmation(id, { state: "intended" });
    const ring = ringOf([first]);
    expect(await ring.start()).toMatchObject([{ id, state: "intended" }]);
    expect(ring.held().map(({ track }) => track.lane.inFlight())).toEqual([[]]);
  });
});

describe("a stop", () => {
  it("waits for what a former key has out as well", async () => {
    const sent = await signWith(second);
    let isMined = false;
    const ring = ringOf([first], {
      receipt: async (hash) => (isMined ? { ...final, hash } : undefined),
    });
    await ring.start();
    let isDrained = false;
    const waiting = ring.drained$.subscribe(() => {
      isDrained = true;
    });
    expect(isDrained).toBe(false);
    isMined = true;
    expect(await ring.rounds()).toMatchObject([{ id: sent.id, state: "final" }]);
    expect(isDrained).toBe(true);
    waiting.unsubscribe();
  });
});

describe("a round of all keys", () => {
  const down = () => Promise.reject(new RetryableError("down", { code: "DOWN" }));
  const troubles = () => bench.reports.flatMap((each) => (each.type === "retry" ? [each.what] : []));

  it("answers what is settled, also where the gaps cannot be looked for", async () => {
    const [done, waiting] = [await signWith(first), await signWith(first, 1)];
    const ring = ringOf([first], {
      receipt: async (hash) => (hash === done.attempts[0]?.hash ? { ...final, hash } : undefined),
      minedNonce: async (_, at) => (at === undefined ? down() : toNonce(0)),
    });
    await ring.start();
    await broadcastAll(bench.deps(), [waiting]);
    expect(await ring.rounds()).toMatchObject([{ id: done.id, state: "final" }]);
    expect(troubles()).toContain("looking for gaps");
  });

  it("is over, and tells of it, where nobody answers", async () => {
    await signWith(first);
    const ring = ringOf([first], { head: down });
    await ring.start();
    expect(await ring.rounds()).toEqual([]);
    expect(troubles()).toContain("tracking");
  });
});
