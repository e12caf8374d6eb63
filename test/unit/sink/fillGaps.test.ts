import { parseTransaction } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RetryableError } from "../../../src/errors.ts";
import { toNonce, wei } from "../../../src/protocol/brand.ts";
import { createGapFiller } from "../../../src/sink/fillGaps.ts";
import { noCaps } from "../../../src/sink/guardrails/caps.ts";
import { createGuard, unlimited } from "../../../src/sink/guardrails/guard.ts";
import { openLedger } from "../../../src/sink/guardrails/openLedger.ts";
import { broadcastAll } from "../../../src/sink/send.ts";
import type { TrackDeps } from "../../../src/sink/track.ts";
import { admit } from "../../support/admit.ts";
import { hashOf } from "../../support/fakeChain.ts";
import { createSinkBench, type SinkBench } from "../../support/sinkBench.ts";

let bench: SinkBench;
beforeEach(() => {
  bench = createSinkBench();
});
afterEach(() => bench.remove());

const ofFillers = 21_000n * 20n;
const ofConfirmation = 125_000n * 20n;

/** One confirmation is in flight, in this nonce; three transactions are mined. */
const stage = async (nonce: number) => {
  const { id } = await bench.intend();
  const { confirmation } = await admit(bench.deps({ minedNonce: async () => toNonce(nonce) }), id);
  await broadcastAll(bench.deps(), [confirmation]);
  bench.deeds.length = 0;
  const gaps = createGapFiller();
  let now = 0;
  const deps = bench.deps({ minedNonce: async () => toNonce(3) }, { now: () => now });
  /** @param times Looks, each when something is due. */
  const look = async (times: number, changes: Partial<TrackDeps> = {}) => {
    for (let each = 0; each < times; each++) {
      await gaps.look({ ...deps, ...changes });
      now += 1_000;
    }
  };
  return look;
};
const filled = async () => (await bench.journal.fillers(bench.signer.address, toNonce(0))).map(({ nonce }) => nonce);
const ceilings = () => bench.reports.filter(({ type }) => type === "fee-ceiling");
const guardOf = (gasPerDay: bigint) => {
  const { journal, reports } = bench;
  const now = () => 0;
  const report: TrackDeps["report"] = (each) => void reports.push(each);
  const deps = { journal, ledger: openLedger(journal, now), capsOf: () => noCaps, now, report };
  return createGuard(deps, { ...unlimited, gasPerDay: wei(gasPerDay) });
};

describe("nonces below those in flight that nobody holds", () => {
  it("are used up by transfers of nothing to oneself, once they have been missing for a while", async () => {
    const look = await stage(5);
    await look(1);
    expect(await filled()).toEqual([]);
    await look(1);
    expect(await filled()).toEqual([3, 4]);
    const [filler] = await bench.journal.fillers(bench.signer.address, toNonce(0));
    const sent = parseTransaction(filler?.raw ?? "0x");
    expect([sent.to?.toLowerCase(), sent.value ?? 0n, sent.data ?? "0x"]).toEqual([bench.signer.address, 0n, "0x"]);
    expect(bench.reports.filter(({ type }) => type === "gap-filled")).toHaveLength(2);
  });

  it("are used up as soon as ever where the clock is set back meanwhile", async () => {
    const look = await stage(5);
    await look(1, { now: () => 3_600_000 });
    await look(2);
    expect(await filled()).toEqual([3, 4]);
  });

  it("are those of the head: what a node that stands still counts is none", async () => {
    const look = await stage(5);
    const { chain } = bench.deps({ minedNonce: async (_, at) => toNonce(at === undefined ? 3 : 4) });
    await look(2, { chain });
    expect(await filled()).toEqual([4]);
  });

  it("are filled from below, some at a time, however many there are", async () => {
    const look = await stage(50_000_000);
    await look(3);
    expect(new Set(await filled())).toEqual(new Set(Array.from({ length: 16 }, (_, index) => 3 + index)));
  });

  it.each<[string, () => Partial<TrackDeps>, readonly number[], string]>([
    [
      "guardrails.gasPerDay leaves no room",
      () => ({ guard: guardOf(ofConfirmation + ofFillers) }),
      [3],
      "guardrails.gasPerDay",
    ],
    ["gas costs more than sink.maxFeePerGas", () => ({ maxFeePerGas: 19n }), [], "sink.maxFeePerGas"],
  ])("are not filled while %s, and the operator is told once what waits behind them", async (_, ceiling, some, cap) => {
    const look = await stage(5);
    await look(4, ceiling());
    expect(await filled()).toEqual(some);
    expect(ceilings()).toMatchObject([{ cap, confirmation: { nonce: 5 } }]);
    await look(2);
    expect(new Set(await filled())).toEqual(new Set([3, 4]));
  });

  it("are filled alone: neither what another one in flight holds, nor what a node has a transaction in", async () => {
    const look = await stage(7);
    const [sent] = bench.deps().lane.inFlight();
    if (sent === undefined) throw new Error("nothing is in flight");
    const held = { ...sent.confirmation, id: sent.confirmation.id + 1, nonce: toNonce(6) };
    bench.deps().lane.keep(held, { sentAt: 0 });
    const chain = { minedNonce: async () => toNonce(3), pendingNonce: async () => toNonce(4) };
    await look(2, { chain: bench.deps(chain).chain });
    expect(await filled()).toEqual([4, 5]);
  });

  it("are looked at no more once nothing above them waits to be mined", async () => {
    const look = await stage(5);
    const [sent] = bench.deps().lane.inFlight();
    if (sent === undefined) throw new Error("nothing is in flight");
    const mined = { hash: hashOf(1), blockNumber: 99n };
    bench.deps().lane.keep({ ...sent.confirmation, state: "mined", mined }, { sentAt: 0 });
    await look(3);
    expect(await filled()).toEqual([]);
  });

  it("have their time anew where they were not missing meanwhile, and after they were filled", async () => {
    const look = await stage(5);
    const none = { chain: bench.deps({ minedNonce: async () => toNonce(5) }).chain };
    await look(1);
    await look(1, none);
    await look(1);
    expect(await filled()).toEqual([]);
    await look(1);
    expect(await filled()).toEqual([3, 4]);
    await look(1, { rebroadcastAfterMs: 1_001 });
    expect(await filled()).toEqual([3, 4]);
  });

  it("are left alone where the key that has them is a former one", async () => {
    const look = await stage(5);
    await look(3, { canSign: false });
    expect([await filled(), bench.deeds]).toEqual([[], []]);
  });
});

describe("what fills a nonce", () => {
  const lease = (owner: string) => bench.journal.takeLease(bench.signer.address, owner, 0, 0);

  it("is sent once it is in the journal, and not before", async () => {
    const look = await stage(5);
    const busy = () => Promise.reject(new RetryableError("busy", { code: "BUSY" }));
    const { journal } = bench.deps();
    await look(1);
    await expect(look(1, { journal: { ...journal, recordFiller: busy } })).rejects.toMatchObject({ code: "BUSY" });
    expect(bench.deeds).toEqual([]);
  });

  it("is signed by the daemon alone that holds the key", async () => {
    const look = await stage(5);
    const before = await lease("a daemon");
    await look(1);
    await look(1, { fences: () => [before] });
    expect(await filled()).toEqual([3, 4]);
    bench.deeds.length = 0;
    await lease("another one");
    await expect(look(1, { fences: () => [before] })).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(bench.deeds).toEqual([]);
  });
});
