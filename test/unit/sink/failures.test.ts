import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RpcError } from "../../../src/chain/jsonRpc.ts";
import { FatalError, RetryableError } from "../../../src/errors.ts";
import type { Confirmation } from "../../../src/journal/journal.ts";
import { type ResponseAddress, type TaskAddress, toNonce } from "../../../src/protocol/brand.ts";
import { whyGivenUp } from "../../../src/sink/givenUp.ts";
import { cancel } from "../../../src/sink/replace.ts";
import { broadcastAll } from "../../../src/sink/send.ts";
import { type TrackDeps, trackRound } from "../../../src/sink/track.ts";
import { admit } from "../../support/admit.ts";
import { address, hashOf, type ReceiptOf, snapshotOf } from "../../support/fakeChain.ts";
import { createSinkBench, type Intent, type SinkBench } from "../../support/sinkBench.ts";

let bench: SinkBench;
beforeEach(() => {
  bench = createSinkBench();
});
afterEach(() => bench.remove());

const second: Intent = { task: address<TaskAddress>(0x1b), response: address<ResponseAddress>(0x3b) };
const send = async (intent?: Intent): Promise<Confirmation> => {
  const { confirmation } = await admit(bench.deps({ snapshot: snapshotOf }), (await bench.intend(intent)).id);
  await broadcastAll(bench.deps(), [confirmation]);
  return confirmation;
};
const newestOf = ({ attempts }: Confirmation) => attempts.at(-1)?.hash;
const finalOf =
  (confirmation: Confirmation, succeeded = true): ReceiptOf =>
  async (hash) =>
    hash === newestOf(confirmation)
      ? { hash, blockNumber: 90n, blockHash: hashOf(90), succeeded, gasUsed: 1n, gasPrice: 1n }
      : undefined;

const down = () => Promise.reject(new RetryableError("down", { code: "DOWN" }));
const fatal = () => Promise.reject(new FatalError("it contradicts itself", { code: "CONTRADICTION" }));
const withSigner = (sign: () => Promise<never>) => (deps: TrackDeps) => ({ ...deps, signer: { ...deps.signer, sign } });
const withCount = (settleGas: () => Promise<never>) => (deps: TrackDeps) => ({
  ...deps,
  guard: { ...deps.guard, settleGas },
});

describe("what a round has settled", () => {
  it.each<[string, (deps: TrackDeps) => TrackDeps]>([
    ["sending again", (deps) => ({ ...deps, chain: { ...deps.chain, previews: down } })],
    ["noting what was sent", (deps) => ({ ...deps, journal: { ...deps.journal, markBroadcast: down } })],
    ["counting an outcome", withCount(down)],
  ])("is answered, and the trouble told, where %s fails", async (what, failing) => {
    const [first] = [await send(), await send(second)];
    const deps = bench.deps({ snapshot: snapshotOf, receipt: finalOf(first) }, { now: () => 1_000 });
    expect(await trackRound(failing(deps))).toMatchObject([{ id: first.id, state: "final" }]);
    expect(bench.reports.filter(({ type }) => type === "retry")).toMatchObject([{ what, error: { code: "DOWN" } }]);
  });

  it.each<[string, (deps: TrackDeps) => TrackDeps]>([
    ["the signer", withSigner(fatal)],
    ["what counts it", withCount(fatal)],
  ])("is no reason to go on where %s contradicts itself: nothing more goes out", async (_, failing) => {
    const [first] = [await send(), await send(second)];
    bench.deeds.length = 0;
    const deps = bench.deps({ snapshot: snapshotOf, receipt: finalOf(first) }, { now: () => 1_000 });
    await expect(trackRound(failing(deps))).rejects.toMatchObject({ code: "CONTRADICTION" });
    expect(bench.deeds).toEqual([]);
    expect((await bench.journal.confirmation(first.id)).state).toBe("final");
  });
});

describe("a count at a final block", () => {
  const notAtBlock = (error: Error) => async (_: unknown, at?: bigint) =>
    at === undefined ? toNonce(0) : Promise.reject(error);

  it("that the node has dropped keeps nothing that is mined from being final", async () => {
    const sent = await send();
    const dropped = notAtBlock(new RpcError("missing trie node", -32000, undefined));
    const deps = bench.deps({ snapshot: snapshotOf, receipt: finalOf(sent), minedNonce: dropped });
    expect(await trackRound(deps)).toMatchObject([{ id: sent.id, state: "final" }]);
  });

  it("that nobody answers is asked for again, and nothing is concluded", async () => {
    const sent = await send();
    const silent = notAtBlock(new RetryableError("down", { code: "DOWN" }));
    const deps = bench.deps({ snapshot: snapshotOf, receipt: finalOf(sent), minedNonce: silent });
    await expect(trackRound(deps)).rejects.toMatchObject({ code: "DOWN" });
    expect(deps.lane.find(sent.id)?.state).toBe("broadcast");
  });
});

describe("what did not pay, finally", () => {
  it("is not called dead while nobody can tell whether another one has settled its task", async () => {
    const sent = await send();
    const given = await cancel(bench.deps(), sent, whyGivenUp("exceeds block gas limit"));
    if (given.type !== "signed") throw new Error(given.type);
    await broadcastAll(bench.deps(), [given.confirmation]);
    const receipt = finalOf(given.confirmation);
    expect(await trackRound(bench.deps({ receipt, snapshot: down }))).toEqual([]);
    expect(bench.deps().lane.find(sent.id)?.state).toBe("broadcast");
    expect(await trackRound(bench.deps({ receipt, snapshot: snapshotOf }))).toMatchObject([
      { id: sent.id, state: "dead" },
    ]);
  });

  it("is not tried anew while a node does not even try the call", async () => {
    const sent = await send();
    const untried = () => Promise.reject(new RpcError("gas required exceeds allowance: 70000", -32000, undefined));
    const receipt = finalOf(sent, false);
    expect(await trackRound(bench.deps({ receipt, snapshot: snapshotOf, simulateConfirm: untried }))).toEqual([]);
    expect(bench.deps().lane.find(sent.id)?.state).toBe("broadcast");
    expect(await trackRound(bench.deps({ receipt, snapshot: snapshotOf }))).toMatchObject([
      { id: sent.id, state: "intended" },
    ]);
  });
});
