import { parseTransaction } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toNonce, wei } from "../../../src/protocol/brand.ts";
import { createGapFiller } from "../../../src/sink/fillGaps.ts";
import { noCaps } from "../../../src/sink/guardrails/caps.ts";
import { createGuard, unlimited } from "../../../src/sink/guardrails/guard.ts";
import { openLedger } from "../../../src/sink/guardrails/openLedger.ts";
import { broadcastAll } from "../../../src/sink/send.ts";
import type { TrackDeps } from "../../../src/sink/track.ts";
import { admit } from "../../support/admit.ts";
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
});
