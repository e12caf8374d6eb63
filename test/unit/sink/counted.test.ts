import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChainPort } from "../../../src/chain/chainPort.ts";
import { RetryableError } from "../../../src/errors.ts";
import type { Confirmation } from "../../../src/journal/journal.ts";
import { type ResponseAddress, type TaskAddress, toNonce, wei } from "../../../src/protocol/brand.ts";
import { TaskStatus } from "../../../src/protocol/statuses.ts";
import { checkAll, payAll } from "../../../src/sink/admit.ts";
import { noCaps } from "../../../src/sink/guardrails/caps.ts";
import { createGuard, type GuardOptions, unlimited } from "../../../src/sink/guardrails/guard.ts";
import { openLedger } from "../../../src/sink/guardrails/openLedger.ts";
import { broadcastAll } from "../../../src/sink/send.ts";
import { type TrackDeps, trackRound } from "../../../src/sink/track.ts";
import { admit } from "../../support/admit.ts";
import { address, aResponse, aSnapshot, aTask, type FakeAnswers, hashOf } from "../../support/fakeChain.ts";
import { createSinkBench, type SinkBench, signerOfKey } from "../../support/sinkBench.ts";

let bench: SinkBench;
let made: number;
beforeEach(() => {
  bench = createSinkBench();
  made = 0;
});
afterEach(() => bench.remove());

/** What each of them may cost: its price, and 125,000 gas at 20 wei. */
const [price, mostGas] = [80n, 2_500_000n];
const intend = async (payment = price): Promise<number> => {
  made += 1;
  const [task, response] = [address<TaskAddress>(0x100 + made), address<ResponseAddress>(0x200 + made)];
  return (await bench.intend({ task, response, payment: wei(payment) })).id;
};
const snapshotOf =
  (status: number = TaskStatus.RESPONDED, payment = price): ChainPort["snapshot"] =>
  async (task, _, [address]) =>
    aSnapshot({
      task: aTask({ address: task, status }),
      responses: address ? [aResponse({ address, task, payment: wei(payment) })] : [],
    });
const snapshot = snapshotOf();
const guardOf = (options: Partial<GuardOptions>) => {
  const { journal } = bench;
  const ledger = openLedger(journal, () => 0);
  const deps = { journal, ledger, capsOf: () => noCaps, now: () => 0, report: () => undefined };
  return createGuard(deps, { ...unlimited, ...options });
};
/** What came of each, in their order. */
const payTogether = async (deps: TrackDeps, ids: readonly number[]) => {
  const admissions = await payAll(deps, await checkAll(deps, ids));
  return ids.map((id) => admissions.find(({ confirmation }) => confirmation.id === id)?.type);
};
const minedWith = (succeeded: boolean, isIt: (hash: string) => boolean = () => true): FakeAnswers => ({
  receipt: async (hash) =>
    isIt(hash) ? { hash, blockNumber: 90n, blockHash: hashOf(90), succeeded, gasUsed: 2n, gasPrice: 3n } : undefined,
});
const send = async (deps: TrackDeps, id: number): Promise<Confirmation> => {
  const { confirmation } = await admit(deps, id);
  await broadcastAll(deps, [confirmation]);
  return confirmation;
};

describe("the room under a ceiling", () => {
  const busy = () => Promise.reject(new RetryableError("busy", { code: "BUSY" }));

  it("of what one signer could not sign is free again, and not that of what it has signed", async () => {
    const guard = guardOf({ perHour: wei(2n * price), gasPerDay: wei(2n * mostGas) });
    let asked = 0;
    const sign: typeof bench.signer.sign = (...args) => (++asked === 2 ? busy() : bench.signer.sign(...args));
    const failing = bench.deps({ snapshot }, { guard, signer: { ...bench.signer, sign } });
    expect(await payTogether(failing, [await intend(), await intend()])).toEqual(["signed", "failed"]);
    const ids = [await intend(), await intend()];
    expect(await payTogether(bench.deps({ snapshot }, { guard }), ids)).toEqual(["signed", "capped"]);
  });

  it("of what the journal could not keep is free again", async () => {
    const guard = guardOf({ perHour: wei(2n * price), gasPerDay: wei(2n * mostGas) });
    const deps = bench.deps({ snapshot }, { guard });
    const failing = { ...deps, journal: { ...deps.journal, recordAttempts: busy } };
    await expect(payTogether(failing, [await intend(), await intend()])).rejects.toMatchObject({ code: "BUSY" });
    expect(await payTogether(deps, [await intend(), await intend()])).toEqual(["signed", "signed"]);
  });

  const more = price + 1n;
  it.each<[string, FakeAnswers, Partial<TrackDeps>, string]>([
    ["was settled by somebody else", { snapshot: snapshotOf(TaskStatus.FINALIZED, more) }, {}, "settled"],
    [
      "may not be paid for the moment",
      {
        snapshot: snapshotOf(TaskStatus.RESPONDED, more),
        simulateConfirm: async () => ({ ok: false, reason: "NotOwner" }),
      },
      {},
      "postponed",
    ],
    ["is above a ceiling that was lowered", {}, { maxPayment: wei(price) }, "postponed"],
  ])("is no more kept for one that waited for it and %s", async (_, chain, lowered, type) => {
    const guard = guardOf({ perHour: wei(2n * price) });
    await admit(bench.deps({ snapshot }, { guard }), await intend());
    const [large, small] = [await intend(more), await intend()];
    const asksMore = snapshotOf(TaskStatus.RESPONDED, more);
    expect(await admit(bench.deps({ snapshot: asksMore }, { guard }), large)).toMatchObject({ type: "capped" });
    expect(await admit(bench.deps({ snapshot }, { guard }), small)).toMatchObject({ type: "capped" });
    expect(await admit(bench.deps(chain, { guard, ...lowered }), large)).toMatchObject({ type });
    expect(await admit(bench.deps({ snapshot }, { guard }), small)).toMatchObject({ type: "signed" });
  });

  it("is counted once for one that lost its nonce to a stranger, and is signed anew", async () => {
    const guard = guardOf({ perHour: wei(price) });
    const id = await intend();
    await send(bench.deps({ snapshot }, { guard }), id);
    const passed = bench.deps({ snapshot, minedNonce: async () => toNonce(1) }, { guard });
    expect(await trackRound(passed)).toMatchObject([{ id, state: "intended" }]);
    expect(await admit(passed, id)).toMatchObject({ type: "signed", confirmation: { nonce: 1 } });
    expect(await admit(passed, await intend())).toMatchObject({ type: "capped" });
  });

  it("of gas holds what was paid for it once that is final, where it held the most that it could be", async () => {
    const guard = guardOf({ gasPerDay: wei(mostGas + 6n) });
    const id = await intend();
    await send(bench.deps({ snapshot }, { guard }), id);
    const [next, last] = [await intend(), await intend()];
    const deps = bench.deps({ snapshot, ...minedWith(true) }, { guard });
    expect(await admit(deps, next)).toMatchObject({ type: "capped" });
    expect(await trackRound(deps)).toMatchObject([{ id, state: "final" }]);
    expect(await payTogether(deps, [next, last])).toEqual(["signed", "capped"]);
  });
});

describe("of what several keys have signed", () => {
  const keys = ["1", "2", "3"].map(signerOfKey);

  it("gas counts for the key and the nonce that were mined, whoever follows it", async () => {
    const [former, signer] = keys.slice(0, 2) as [(typeof keys)[0], (typeof keys)[0]];
    const id = await intend();
    const first = await send(bench.deps({ snapshot }, { signer: former }), id);
    await trackRound(bench.deps({ snapshot, minedNonce: async () => toNonce(1) }, { signer: former }));
    await send(bench.deps({ snapshot, minedNonce: async () => toNonce(5) }, { signer }), id);
    const receipt = minedWith(true, (hash) => hash === first.attempts[0]?.hash);
    expect(await trackRound(bench.deps({ snapshot, ...receipt }, { signer }))).toMatchObject([{ id, state: "final" }]);
    const spent = await bench.journal.gasSpent({ since: 0, after: undefined, limit: 9 });
    expect(spent.map(({ signer, nonce, cost }) => [signer, nonce, cost])).toEqual(
      expect.arrayContaining([
        [former.address, 0, 6n],
        [signer.address, 5, mostGas],
      ]),
    );
  });

  it("three reverts end a confirmation, also where each was in the same nonce of another key", async () => {
    const id = await intend();
    const left: unknown[] = [];
    for (const signer of keys) {
      await send(bench.deps({ snapshot }, { signer }), id);
      left.push(...(await trackRound(bench.deps({ snapshot, ...minedWith(false) }, { signer }))));
    }
    expect(left).toMatchObject([{ state: "intended" }, { state: "intended" }, { state: "dead" }]);
  });
});
