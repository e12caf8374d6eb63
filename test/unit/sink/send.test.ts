import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { broadcastAll } from "../../../src/sink/send.ts";
import { trackRound } from "../../../src/sink/track.ts";
import { admit } from "../../support/admit.ts";
import { hashOf, type ReceiptOf } from "../../support/fakeChain.ts";
import { createSinkBench, type SinkBench } from "../../support/sinkBench.ts";

let bench: SinkBench;
beforeEach(() => {
  bench = createSinkBench();
});
afterEach(() => bench.remove());

const signed = async () => (await admit(bench.deps(), (await bench.intend()).id)).confirmation;
const minedAt =
  (blockNumber: bigint): ReceiptOf =>
  async (hash) => ({ hash, blockNumber, blockHash: hashOf(blockNumber), succeeded: true, gasUsed: 1n, gasPrice: 1n });
const toldOf = (state: string) =>
  bench.reports.filter((each) => each.type === "confirmation" && each.confirmation.state === state).length;

describe("what is sent", () => {
  it("stays mined where a round saw that while the node's answer was on its way", async () => {
    const confirmation = await signed();
    const slow = bench.deps({
      broadcast: async () => {
        await trackRound(bench.deps({ receipt: minedAt(98n) }));
        return { ok: true };
      },
    });
    await broadcastAll(slow, [confirmation]);
    expect(slow.lane.find(confirmation.id)).toMatchObject({ state: "mined", mined: { blockNumber: 98n } });
    expect([slow.lane.unmined(), toldOf("broadcast")]).toEqual([0, 0]);
  });

  it("is what the lane knows by now, where it is given as it once was", async () => {
    const old = await signed();
    await broadcastAll(bench.deps(), [old]);
    await broadcastAll(bench.deps(), [old]);
    expect([bench.deps().lane.find(old.id)?.state, toldOf("broadcast")]).toEqual(["broadcast", 1]);
    await trackRound(bench.deps({ receipt: minedAt(98n) }));
    await broadcastAll(bench.deps(), [old]);
    expect([bench.deps().lane.find(old.id)?.state, bench.deps().lane.unmined()]).toEqual(["mined", 0]);
  });

  it("counts as taken by no node that left its answer out", async () => {
    const confirmation = await signed();
    const deps = bench.deps({ broadcastAll: async () => [] });
    await broadcastAll(deps, [confirmation]);
    expect([deps.lane.find(confirmation.id)?.state, toldOf("broadcast")]).toEqual(["signed", 0]);
  });
});
