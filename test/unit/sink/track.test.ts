import { parseTransaction } from "viem";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ChainPort, Fees, Receipt } from "../../../src/chain/chainPort.ts";
import { ReceiptError } from "../../../src/chain/receiptReads.ts";
import { FatalError, RetryableError } from "../../../src/errors.ts";
import type { Attempt, Confirmation } from "../../../src/journal/journal.ts";
import {
  type AccountAddress,
  checksummed,
  type Hash,
  type Hex,
  type ResponseAddress,
  type TaskAddress,
  toNonce,
  wei,
} from "../../../src/protocol/brand.ts";
import { TaskStatus } from "../../../src/protocol/statuses.ts";
import { noCaps } from "../../../src/sink/guardrails/caps.ts";
import { createGuard, unlimited } from "../../../src/sink/guardrails/guard.ts";
import { openLedger } from "../../../src/sink/guardrails/openLedger.ts";
import { broadcastAll } from "../../../src/sink/send.ts";
import { signerOf } from "../../../src/sink/signerOf.ts";
import { type TrackDeps, trackRound } from "../../../src/sink/track.ts";
import { admit } from "../../support/admit.ts";
import {
  address,
  aReceipt,
  aResponse,
  aSnapshot,
  aTask,
  type FakeAnswers,
  hashOf,
  headAt,
  type ReceiptOf,
  snapshotOf,
  taskGone,
} from "../../support/fakeChain.ts";
import { createSinkBench, type Intent, type SinkBench, signerOfKey } from "../../support/sinkBench.ts";

let bench: SinkBench;
beforeEach(() => {
  bench = createSinkBench();
});
afterEach(() => bench.remove());

const second: Intent = { task: address<TaskAddress>(0x1b), response: address<ResponseAddress>(0x3b) };
const receiptOf = (hash: Hash, blockNumber: bigint, succeeded = true) => aReceipt(hash, blockNumber, { succeeded });
/** Signs and sends an intent, as the sink does. */
const send = async (deps: TrackDeps, intent?: Intent): Promise<Confirmation> => {
  const { id } = await bench.intend(intent);
  const { confirmation } = await admit(deps, id);
  await broadcastAll(deps, [confirmation]);
  return bench.journal.confirmation(id);
};
const stateOf = async ({ id }: Confirmation) => (await bench.journal.confirmation(id)).state;
const minedWith = (succeeded: boolean, at = 98n): FakeAnswers => ({
  receipt: async (hash) => receiptOf(hash, at, succeeded),
});

describe("sending", () => {
  it("happens after the attempt is in the journal", async () => {
    await send(bench.deps());
    expect(bench.deeds).toEqual(["journalled nonce 0", "broadcast"]);
  });

  it.each([
    ["accepts it", { ok: true }, "broadcast"],
    ["knows it already", { ok: false, message: "already known" }, "broadcast"],
    ["does not answer", { ok: false, message: "no answer within 10000 ms" }, "signed"],
    ["says that the nonce is taken", { ok: false, message: "nonce too low" }, "signed"],
    ["has no room", { ok: false, message: "txpool is full" }, "signed"],
  ] as const)("keeps the nonce when the node %s", async (_, answer, state) => {
    const sent = await send(bench.deps({ broadcast: async () => answer }));
    expect(sent).toMatchObject({ nonce: 0, attempts: [{}] });
    expect(bench.deps().lane.find(sent.id)).toMatchObject({ state, nonce: 0 });
    const next = await send(bench.deps({ snapshot: snapshotOf }), second);
    expect(next.nonce).toBe(1);
  });

  it("goes out in nonce order, in whatever order it is given", async () => {
    const sent: Hex[] = [];
    const broadcast: FakeAnswers["broadcast"] = async (raw) => {
      sent.push(raw);
      return { ok: true };
    };
    const deps = bench.deps({ snapshot: snapshotOf, broadcast });
    const { confirmation: first } = await admit(deps, (await bench.intend()).id);
    const { confirmation: next } = await admit(deps, (await bench.intend(second)).id);
    expect([first.nonce, next.nonce]).toEqual([0, 1]);
    await broadcastAll(deps, [next, first]);
    expect(sent).toEqual([first.attempts[0]?.raw, next.attempts[0]?.raw]);
  });

  it("tells why nobody answered, and does not go by it", async () => {
    const why = "the endpoint node did not answer: already known";
    const sent = await send(bench.deps({ broadcast: async () => ({ ok: false, message: "no answer", why }) }));
    expect(sent.state).toBe("signed");
    expect(bench.reports.filter(({ type }) => type === "answer")).toEqual([
      expect.objectContaining({ answer: "perhaps-sent", message: why }),
    ]);
  });

  it("does not undo what the tracker saw while the node's answer was on its way", async () => {
    const { id } = await bench.intend();
    const { confirmation } = await admit(bench.deps(), id);
    const slow = bench.deps({
      broadcast: async () => {
        await trackRound(bench.deps(minedWith(true, 90n)));
        return { ok: true };
      },
    });
    await broadcastAll(slow, [confirmation]);
    expect(await stateOf(confirmation)).toBe("final");
    expect(bench.deps().lane.inFlight()).toEqual([]);
  });
});

describe("a round", () => {
  it("tells the journal what a node took, once, where it is not mined by then", async () => {
    const { journal } = bench;
    const markBroadcast = vi.fn(journal.markBroadcast);
    const deps = (on: FakeAnswers) => ({ ...bench.deps(on), journal: { ...journal, markBroadcast } });
    const [mined, waiting] = [await send(deps({})), await send(deps({ snapshot: snapshotOf }), second)];
    const receipt: ReceiptOf = async (hash) => (hash === mined.attempts[0]?.hash ? receiptOf(hash, 98n) : undefined);
    await trackRound(deps({ receipt }));
    expect([await stateOf(mined), await stateOf(waiting)]).toEqual(["mined", "broadcast"]);
    expect(markBroadcast.mock.calls.map(([ids]) => ids)).toEqual([[waiting.id]]);
    await trackRound(deps({ receipt }));
    expect(markBroadcast).toHaveBeenCalledOnce();
  });

  it("settles what is final, and says so once", async () => {
    const sent = await send(bench.deps());
    expect(await trackRound(bench.deps(minedWith(true)))).toEqual([]);
    expect(await stateOf(sent)).toBe("mined");
    const later = { ...minedWith(true), head: async () => headAt(101n) };
    expect(await trackRound(bench.deps(later))).toMatchObject([{ id: sent.id, state: "final" }]);
    expect(await trackRound(bench.deps(later))).toEqual([]);
  });

  it("calls nothing final unless a node that stands on the head has its receipt, in the same block", async () => {
    const sent = await send(bench.deps());
    const answered = async (receiptsAt: ChainPort["receiptsAt"]) => {
      await trackRound(bench.deps({ ...minedWith(true), head: async () => headAt(101n), receiptsAt }));
      return stateOf(sent);
    };
    const behind = new RetryableError("behind", { code: "NODE_BEHIND" });
    const otherBranch = hashOf(0xbadn);
    expect(await answered(async () => [])).toBe("broadcast");
    expect(await answered(() => Promise.reject(behind))).toBe("broadcast");
    expect(bench.reports.at(-1)).toMatchObject({ type: "retry", what: "finality", error: behind });
    expect(
      await answered(async (hashes) => hashes.map((hash) => ({ ...receiptOf(hash, 98n), blockHash: otherBranch }))),
    ).toBe("broadcast");
    expect(await answered(async (hashes) => hashes.map((hash) => receiptOf(hash, 98n)))).toBe("final");
  });

  it("takes nothing for undone by the word of an endpoint that has hung hundreds of blocks behind", async () => {
    const sent = await send(bench.deps());
    const [now, then] = [headAt(1_000n), headAt(500n)];
    await trackRound(bench.deps({ ...minedWith(true, 998n), head: async () => now }));
    const cursor = { number: now.number, hash: now.hash };
    await bench.journal.intake({ tasks: [], responses: [], touched: [], cursor });
    const behind = bench.deps({ head: async () => then });
    await expect(trackRound(behind)).rejects.toMatchObject({ code: "NODE_BEHIND" });
    expect(await stateOf(sent)).toBe("mined");
  });

  it("calls a revert that is final superseded, when somebody else settled the task", async () => {
    const sent = await send(bench.deps());
    const snapshot = async () => aSnapshot({ task: aTask({ status: TaskStatus.FINALIZED }) });
    await trackRound(bench.deps({ ...minedWith(false, 97n), snapshot }));
    expect(await stateOf(sent)).toBe("superseded");
  });

  it("tries a revert that is final anew in another nonce while it is payable, and not for ever", async () => {
    const { id } = await send(bench.deps());
    for (const nonce of [1, 2]) {
      expect(await trackRound(bench.deps(minedWith(false, 97n)))).toMatchObject([{ id, state: "intended" }]);
      const { confirmation } = await admit(bench.deps({ minedNonce: async () => toNonce(nonce) }), id);
      expect(confirmation).toMatchObject({ state: "signed", nonce });
      await broadcastAll(bench.deps(), [confirmation]);
    }
    expect(await trackRound(bench.deps(minedWith(false, 97n)))).toMatchObject([{ id, state: "dead" }]);
  });

  it("does not take nonces that were cancelled, or that a stranger took, for reverts", async () => {
    const { id } = await send(bench.deps());
    for (const nonce of [1, 2]) {
      const gone: FakeAnswers = { receipt: async () => undefined, minedNonce: async () => toNonce(nonce) };
      expect(await trackRound(bench.deps(gone))).toMatchObject([{ id, state: "intended" }]);
      const { confirmation } = await admit(bench.deps({ minedNonce: async () => toNonce(nonce) }), id);
      await broadcastAll(bench.deps(), [confirmation]);
    }
    const last = (await bench.journal.confirmation(id)).attempts.at(-1)?.hash;
    const reverted: FakeAnswers = {
      receipt: async (hash) => (hash === last ? receiptOf(hash, 97n, false) : undefined),
    };
    expect(await trackRound(bench.deps(reverted))).toMatchObject([{ id, state: "intended" }]);
  });

  it.each([
    ["", 16],
    [", also of many", 0],
  ])("sends again what the clock, set back since, says was sent in the time to come%s", async (_, askAllUpTo) => {
    const sent = await send(bench.deps());
    bench.deps().lane.note(sent.id, { sentAt: Number.MAX_SAFE_INTEGER });
    bench.deeds.length = 0;
    await trackRound(bench.deps({}, { askAllUpTo }));
    expect(bench.deeds).toEqual(["broadcast"]);
  });

  describe("that finds a revert", () => {
    const revertOf: ChainPort["revertOf"] = async () => ({ reason: "NotOwner", isCertain: true });
    const why = "NotOwner: the signer is neither the client nor its agent";

    it("tells what it reverted with, once, and keeps it in the reason", async () => {
      const sent = await send(bench.deps());
      await trackRound(bench.deps({ ...minedWith(false), revertOf }));
      expect(bench.reports.filter(({ type }) => type === "reverted")).toMatchObject([{ reason: why }]);
      const final = { ...minedWith(false), revertOf, head: async () => headAt(101n) };
      await trackRound(bench.deps(final));
      expect(await bench.journal.confirmation(sent.id)).toMatchObject({
        state: "intended",
        reason: `it reverted (${why}), and is tried anew`,
      });
      expect(bench.reports.filter(({ type }) => type === "reverted")).toHaveLength(1);
    });

    it("says so where it is only probable", async () => {
      await send(bench.deps());
      await trackRound(
        bench.deps({ ...minedWith(false), revertOf: async () => ({ reason: "Expired", isCertain: false }) }),
      );
      expect(bench.reports).toContainEqual(
        expect.objectContaining({ type: "reverted", reason: "probably Expired: the task's expiry time has passed" }),
      );
    });

    it.each<[string, ChainPort["revertOf"]]>([
      ["never answers", () => new Promise<never>(() => undefined)],
      ["fails", () => Promise.reject(new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" }))],
    ])("decides the same, and waits for nothing, where the node %s", async (_, silent) => {
      const sent = await send(bench.deps());
      await trackRound(bench.deps({ ...minedWith(false), revertOf: silent }));
      await trackRound(bench.deps({ ...minedWith(false), revertOf: silent, head: async () => headAt(101n) }));
      expect(await bench.journal.confirmation(sent.id)).toMatchObject({
        state: "intended",
        reason: "it reverted, and is tried anew",
      });
    });
  });

  it("sends nothing again that would pay what nobody approved; uses its nonce up instead, after a while", async () => {
    const sent = await send(bench.deps());
    const swapped: Partial<ChainPort> = {
      snapshot: async () => aSnapshot({ responses: [aResponse({ provider: address(0x99) })] }),
    };
    await trackRound(bench.deps(swapped, { now: () => 1_000 }));
    expect(bench.deeds).toEqual(["journalled nonce 0", "broadcast"]);
    await trackRound(bench.deps(swapped, { now: () => 2_000 }));
    expect(bench.deeds).toEqual(["journalled nonce 0", "broadcast", "journalled nonce 0", "broadcast"]);
    const { attempts } = await bench.journal.confirmation(sent.id);
    expect(attempts.map(({ kind, nonce }) => [kind, nonce])).toEqual([
      ["confirm", 0],
      ["cancel", 0],
    ]);
    const cancelled = parseTransaction(attempts[1]?.raw as Hex);
    expect([cancelled.to?.toLowerCase(), cancelled.value ?? 0n, cancelled.data ?? "0x"]).toEqual([
      bench.signer.address,
      0n,
      "0x",
    ]);
    const receipt = async (hash: Hash) => (hash === attempts[1]?.hash ? receiptOf(hash, 97n) : undefined);
    expect(await trackRound(bench.deps({ ...swapped, receipt }))).toMatchObject([{ id: sent.id, state: "cancelled" }]);
  });

  it("says why nothing goes out when that is news, and once in a while, however often it looks", async () => {
    await send(bench.deps());
    let now = 0;
    const settings = { now: () => now, rebroadcastAfterMs: 30_000, maxFeePerGas: 19n };
    const swapped = { snapshot: async () => aSnapshot({ responses: [aResponse({ provider: address(0x99) })] }) };
    const gone = { snapshot: async () => aSnapshot({ responses: [] }) };
    const told = async (chain: Partial<ChainPort>, from: number, to: number) => {
      const before = bench.reports.length;
      for (now = from; now < to; now += 1_000) await trackRound(bench.deps(chain, settings));
      return bench.reports.slice(before).flatMap((each) => (each.type === "postponed" ? [each.reason] : []));
    };
    const another = "not sent again: another response stands where the approved one stood";
    expect(await told(swapped, 30_000, 40_000)).toEqual([another]);
    expect(await told(gone, 40_000, 45_000)).toEqual([
      "not sent again: the response is not on the chain at the moment",
    ]);
    expect(await told(swapped, 45_000, 106_000)).toEqual([another, another, another]);
  });

  it.each<[string, bigint, bigint, readonly bigint[]]>([
    ["at the same price, where no higher one fits under the ceiling", 20n, 22n, [20n]],
    ["an eighth dearer, then at the ceiling, where gas costs more than that", 2_000n, 1_000n, [23n, 1_000n]],
  ])("uses the nonce of what may not be paid up %s, and says that it is stuck", async (_, asked, ceiling, offered) => {
    const { id } = await send(bench.deps());
    let now = 0;
    const deps = bench.deps(
      {
        snapshot: async () => aSnapshot({ responses: [] }),
        fees: async () => ({ type: "eip1559", maxFeePerGas: asked, maxPriorityFeePerGas: 2n }),
        broadcast: async () => ({ ok: false, message: "replacement transaction underpriced" }),
      },
      { maxFeePerGas: ceiling, now: () => now },
    );
    for (let round = 0; round < 5; round++) {
      now += 1_000;
      await trackRound(deps);
    }
    const { attempts } = await bench.journal.confirmation(id);
    expect(attempts.map(({ kind, nonce }) => [kind, nonce])).toEqual([
      ["confirm", 0],
      ...offered.map(() => ["cancel", 0]),
    ]);
    expect(attempts.slice(1).map(({ raw }) => parseTransaction(raw).maxFeePerGas)).toEqual(offered);
    expect(bench.reports.filter(({ type }) => type === "fee-ceiling")).toMatchObject([{ cap: "sink.maxFeePerGas" }]);
  });

  it("says so, once, where the ceiling is below what the bytes offer, so that nothing may take their place", async () => {
    const { id } = await send(bench.deps());
    let now = 0;
    const gone = async () => aSnapshot({ responses: [] });
    const deps = bench.deps({ snapshot: gone }, { maxFeePerGas: 19n, now: () => now });
    for (let round = 0; round < 4; round++) {
      now += 1_000;
      await trackRound(deps);
    }
    expect((await bench.journal.confirmation(id)).attempts).toHaveLength(1);
    expect(bench.reports.filter(({ type }) => type === "fee-ceiling")).toMatchObject([{ cap: "sink.maxFeePerGas" }]);
  });

  it("takes a task up again whose nonce was used up while its response was gone, once the response is back, as long as it is", async () => {
    const { id } = await send(bench.deps());
    const gone: Partial<ChainPort> = { snapshot: async () => aSnapshot({ responses: [] }) };
    await trackRound(bench.deps(gone, { now: () => 1_000 }));
    await trackRound(bench.deps(gone, { now: () => 2_000 }));
    const { attempts } = await bench.journal.confirmation(id);
    const receipt = async (hash: Hash) => (hash === attempts[1]?.hash ? receiptOf(hash, 97n) : undefined);
    expect(await trackRound(bench.deps({ ...gone, receipt }))).toMatchObject([{ id, state: "intended" }]);
    const { confirmation } = await admit(bench.deps({ minedNonce: async () => toNonce(1) }), id);
    expect(confirmation).toMatchObject({ state: "signed", nonce: 1 });
    await broadcastAll(bench.deps(), [confirmation]);
    bench.deeds.length = 0;
    await trackRound(bench.deps({ ...gone, receipt }, { now: () => 5_000 }));
    expect(bench.deeds).toEqual([]);
  });

  it("uses the nonce up of what a reorg took back together with its task, and settles it once that is final", async () => {
    const { id } = await send(bench.deps());
    await trackRound(bench.deps(taskGone(), { now: () => 1_000 }));
    expect((await bench.journal.confirmation(id)).attempts).toHaveLength(1);
    await trackRound(bench.deps(taskGone(), { now: () => 2_000 }));
    const { attempts } = await bench.journal.confirmation(id);
    expect(attempts.map(({ kind, nonce }) => [kind, nonce])).toEqual([
      ["confirm", 0],
      ["cancel", 0],
    ]);
    const receipt = async (hash: Hash) => (hash === attempts[1]?.hash ? receiptOf(hash, 100n) : undefined);
    const later = { ...taskGone(), receipt, head: async () => headAt(103n) };
    expect(await trackRound(bench.deps(later))).toMatchObject([
      { id, state: "cancelled", reason: "a reorg took the task back" },
    ]);
  });

  it("settles what reverted because a reorg had taken its task back", async () => {
    const { id } = await send(bench.deps());
    const gone = { ...taskGone(), ...minedWith(false, 100n), head: async () => headAt(103n) };
    expect(await trackRound(bench.deps(gone))).toMatchObject([
      { id, state: "cancelled", reason: expect.stringMatching(/^a reorg took the task back/) },
    ]);
  });

  it("gives back the room under a ceiling of what is cancelled in the end", async () => {
    const { journal } = bench;
    const shared = { journal, ledger: openLedger(journal, () => 0), capsOf: () => noCaps, now: () => 0 };
    const guard = createGuard({ ...shared, report: () => undefined }, { ...unlimited, perHour: wei(80n) });
    const own = { guard, now: () => 0 };
    const { id } = await send(bench.deps({}, own));
    const other = (await bench.intend(second)).id;
    const onSecond: FakeAnswers = { snapshot: snapshotOf, minedNonce: async () => toNonce(1) };
    expect(await admit(bench.deps(onSecond, own), other)).toMatchObject({ type: "capped" });
    const gone = { ...taskGone(), ...minedWith(false, 100n), head: async () => headAt(103n) };
    expect(await trackRound(bench.deps(gone, own))).toMatchObject([{ id, state: "cancelled" }]);
    expect(await admit(bench.deps(onSecond, own), other)).toMatchObject({ type: "signed" });
  });

  it("offers no higher fee where it is money that is missing", async () => {
    const poor: Partial<ChainPort> = { broadcast: async () => ({ ok: false, message: "insufficient funds for gas" }) };
    const sent = await send(bench.deps(poor));
    await trackRound(bench.deps(poor, { now: () => 1_000 }));
    expect((await bench.journal.confirmation(sent.id)).attempts).toHaveLength(1);
    expect(bench.deeds).toEqual(["journalled nonce 0", "broadcast", "broadcast"]);
  });

  it("calls no revert anything before it is final", async () => {
    const sent = await send(bench.deps());
    await trackRound(bench.deps(minedWith(false)));
    expect(await stateOf(sent)).toBe("mined");
  });

  it("sends the same bytes again when a receipt vanishes", async () => {
    const bytes: Hex[] = [];
    const collect: Partial<ChainPort> = {
      broadcast: async (raw) => {
        bytes.push(raw);
        return { ok: true };
      },
    };
    const sent = await send(bench.deps(collect));
    await trackRound(bench.deps({ ...collect, ...minedWith(true) }));
    await trackRound(bench.deps(collect));
    expect(await bench.journal.confirmation(sent.id)).toMatchObject({ state: "broadcast", nonce: 0, mined: undefined });
    expect(bytes).toEqual([bytes[0], bytes[0]]);
  });

  it("signs anew in the same nonce, dearer, what is stuck; and at the ceiling sends the same bytes", async () => {
    const sent = await send(bench.deps());
    await trackRound(bench.deps({}, { now: () => 1_000 }));
    const replaced = await bench.journal.confirmation(sent.id);
    expect(replaced.attempts.map(({ nonce }) => nonce)).toEqual([0, 0]);
    expect(bench.deeds).toEqual(["journalled nonce 0", "broadcast", "journalled nonce 0", "broadcast"]);
    await trackRound(bench.deps({}, { now: () => 3_000, maxFeePerGas: 23n }));
    expect((await bench.journal.confirmation(sent.id)).attempts).toHaveLength(2);
    expect(bench.deeds.at(-1)).toBe("broadcast");
  });

  it("frees an intent when a stranger's transaction took its nonce finally, and not before", async () => {
    const sent = await send(bench.deps());
    await trackRound(bench.deps({ minedNonce: async (_, at) => toNonce(at === undefined ? 1 : 0) }));
    expect(await stateOf(sent)).toBe("broadcast");
    const freed = await trackRound(bench.deps({ minedNonce: async () => toNonce(1) }));
    expect(freed).toMatchObject([{ id: sent.id, state: "intended" }]);
    const again = await admit(bench.deps({ minedNonce: async () => toNonce(1) }), sent.id);
    expect(again).toMatchObject({ type: "signed", confirmation: { nonce: 1, attempts: [{ nonce: 0 }, { nonce: 1 }] } });
  });

  it("frees no intent for a stranger where a node that stands on the head has its receipt, and tells of one where none has", async () => {
    const sent = await send(bench.deps());
    const displacedBy = (receiptsAt: ChainPort["receiptsAt"]) =>
      trackRound(bench.deps({ minedNonce: async () => toNonce(1), receiptsAt }));
    const strangers = () => bench.reports.filter(({ type }) => type === "stranger");
    expect(await displacedBy(async (hashes) => hashes.map((hash) => receiptOf(hash, 97n)))).toEqual([]);
    expect([await stateOf(sent), strangers()]).toEqual(["broadcast", []]);
    expect(await displacedBy(async () => [])).toMatchObject([{ id: sent.id, state: "intended" }]);
    expect(strangers()).toMatchObject([{ from: 0, to: 0, where: "mined" }]);
  });

  it("frees no intent for a stranger where another endpoint has its receipt, and waits for none that is away", async () => {
    const sent = await send(bench.deps());
    const displacedBy = (minedElsewhere: ChainPort["minedElsewhere"]) =>
      trackRound(bench.deps({ minedNonce: async () => toNonce(1), minedElsewhere }));
    const mined = toNonce(1);
    expect(
      await displacedBy(async (_, hashes) => ({ mined, receipts: hashes.map((hash) => receiptOf(hash, 97n)) })),
    ).toEqual([]);
    expect(await stateOf(sent)).toBe("broadcast");
    expect(bench.reports.at(-1)).toMatchObject({ type: "retry", error: { code: "NODE_BEHIND" } });
    expect(
      await displacedBy(() => Promise.reject(new RetryableError("away", { code: "ENDPOINT_UNAVAILABLE" }))),
    ).toMatchObject([{ id: sent.id, state: "intended" }]);
  });

  it("asks no more for receipts where there has been none for ten seconds of what another endpoint shows", async () => {
    const sent = await send(bench.deps());
    const passedOver: unknown[] = [];
    const look = (at: number, isElsewhere = true) => {
      const minedElsewhere: ChainPort["minedElsewhere"] = async (_, hashes) => ({
        mined: toNonce(1),
        receipts: isElsewhere ? hashes.map((hash) => receiptOf(hash, 97n)) : [],
      });
      const passOverForReceipts: ChainPort["passOverForReceipts"] = async ({ hash, blockNumber }, why) =>
        void passedOver.push([at, hash, blockNumber, (why as RetryableError).code]);
      const chain = { minedNonce: async () => toNonce(1), minedElsewhere, passOverForReceipts };
      const { receiptLagMs: _, ...deps } = bench.deps(chain, { now: () => at });
      return trackRound(deps);
    };
    for (const at of [0, 9_999]) await look(at);
    await look(10_000, false);
    for (const at of [11_000, 20_999, 21_000]) await look(at);
    expect(passedOver).toEqual([[21_000, sent.attempts[0]?.hash, 97n, "NODE_BEHIND"]]);
    expect(await stateOf(sent)).toBe("broadcast");
  });

  it("frees no intent for a stranger where a block of the node's own holds what the key sent, and asks it no more for receipts", async () => {
    const sent = await send(bench.deps());
    const calls: unknown[] = [];
    const look = (at: number, blockNumber: bigint | undefined, used = 1) => {
      const [{ hash }] = sent.attempts as [Attempt];
      const findInBlocks: ChainPort["findInBlocks"] = async (hashes, head, since) => {
        calls.push([at, hashes, head, since]);
        return blockNumber === undefined ? undefined : { hash, blockNumber };
      };
      const passOverForReceipts: ChainPort["passOverForReceipts"] = async (there) => void calls.push(there);
      const chain = { minedNonce: async () => toNonce(used), findInBlocks, passOverForReceipts };
      const { receiptLagMs: _, ...deps } = bench.deps(chain, { now: () => at });
      return trackRound(deps);
    };
    for (const at of [0, 9_999, 10_000, 19_999]) expect(await look(at, 97n)).toEqual([]);
    const [{ hash, signedAt }] = sent.attempts as [Attempt];
    expect(calls).toEqual([[10_000, [hash], 100n, signedAt], { hash, blockNumber: 97n }]);
    expect(await look(29_999, undefined)).toMatchObject([{ id: sent.id, state: "intended" }]);
    calls.length = 0;
    const { confirmation: again } = await admit(bench.deps({ pendingNonce: async () => toNonce(1) }), sent.id);
    await broadcastAll(bench.deps(), [again]);
    for (const at of [30_000, 40_000]) await look(at, 98n, 2);
    expect([again.nonce, calls[0]]).toEqual([
      1,
      [40_000, [again.attempts[1]?.hash], 100n, again.attempts[1]?.signedAt],
    ]);
  });

  it("frees no intent for a stranger before nobody has had its receipt for ten seconds: one may be lost for a moment", async () => {
    const sent = await send(bench.deps());
    let now = 0;
    const look = (receipts: readonly Hash[] = []) => {
      const receipt = async (hash: Hash) => (receipts.includes(hash) ? receiptOf(hash, 99n) : undefined);
      const changes = { now: () => now };
      const { receiptLagMs: _, ...deps } = bench.deps({ minedNonce: async () => toNonce(1), receipt }, changes);
      return trackRound(deps);
    };
    await look();
    now = 9_000;
    await look([sent.attempts[0]?.hash as Hash]);
    now = 11_000;
    expect([await look(), await stateOf(sent)]).toEqual([[], "mined"]);
    now = 20_999;
    expect([await look(), await stateOf(sent)]).toEqual([[], "mined"]);
    now = 21_000;
    expect(await look()).toMatchObject([{ id: sent.id, state: "intended" }]);
  });

  it("does not count the time in which the process itself stood still between its question and the answer", async () => {
    const sent = await send(bench.deps());
    let now = 0;
    const look = (afterwards: number) => {
      const minedElsewhere = async () => {
        now = afterwards;
        return { mined: toNonce(1), receipts: [] };
      };
      const answers = { minedNonce: async () => toNonce(1), minedElsewhere };
      const { receiptLagMs: _, ...deps } = bench.deps(answers, { now: () => now });
      return trackRound(deps);
    };
    await look(0);
    now = 1_000;
    expect([await look(60_000), await stateOf(sent)]).toEqual([[], "broadcast"]);
    expect(await look(60_000)).toMatchObject([{ id: sent.id, state: "intended" }]);
  });

  it("tells of no stranger where it holds the key no more: who holds it may have sent that", async () => {
    const sent = await send(bench.deps());
    const { signer, journal } = bench;
    const before = await journal.takeLease(signer.address, "this daemon", 0, 1_000);
    await journal.takeLease(signer.address, "the next one", 1_000, 1_000);
    const deps = bench.deps({ minedNonce: async () => toNonce(1) }, { fences: () => [before] });
    await expect(trackRound(deps)).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(bench.reports.filter(({ type }) => type === "stranger")).toEqual([]);
    expect(await stateOf(sent)).toBe("signed");
  });

  it("finds its own payment by another endpoint's receipt where the one that answers has none, and writes it off for nobody", async () => {
    const sent = await send(bench.deps());
    await trackRound(bench.deps({ minedNonce: async () => toNonce(1) }));
    expect(await stateOf(sent)).toBe("intended");
    const paid = { snapshot: async () => aSnapshot({ task: aTask({ status: TaskStatus.FINALIZED }) }) };
    const admitted = (minedElsewhere: ChainPort["minedElsewhere"]) =>
      admit(bench.deps({ ...paid, minedElsewhere }), sent.id);
    const away = new RetryableError("away", { code: "ENDPOINT_UNAVAILABLE" });
    await expect(admitted(() => Promise.reject(away))).rejects.toBe(away);
    expect(await stateOf(sent)).toBe("intended");
    const has = async (_: unknown, hashes: readonly Hash[]) => ({
      mined: toNonce(1),
      receipts: hashes.map((hash) => receiptOf(hash, 97n)),
    });
    expect(await admitted(has)).toMatchObject({
      type: "signed",
      confirmation: { state: "mined", mined: { hash: sent.attempts[0]?.hash, blockNumber: 97n } },
    });
  });

  it("frees it as well where an attempt in an earlier nonce has reverted, finally", async () => {
    const { id } = await send(bench.deps());
    await trackRound(bench.deps(minedWith(false, 97n)));
    const { confirmation } = await admit(bench.deps({ minedNonce: async () => toNonce(1) }), id);
    await broadcastAll(bench.deps(), [confirmation]);
    const [first] = confirmation.attempts;
    const taken: FakeAnswers = {
      receipt: async (hash) => (hash === first?.hash ? receiptOf(hash, 97n, false) : undefined),
      minedNonce: async () => toNonce(2),
    };
    expect(await trackRound(bench.deps(taken))).toMatchObject([{ id, state: "intended" }]);
  });

  it("asks for the count at the final block", async () => {
    const asked: (bigint | undefined)[] = [];
    await send(bench.deps());
    await trackRound(
      bench.deps({
        minedNonce: async (_, at) => {
          asked.push(at);
          return toNonce(0);
        },
      }),
    );
    expect(asked).toEqual([97n]);
  });

  it("looks the receipts of many up in pieces, one after the other; all at once where nothing was sent yet", async () => {
    const sent = await send(bench.deps());
    const [made] = sent.attempts;
    if (made === undefined) throw new Error("nothing was signed");
    const requests: number[] = [];
    let underWay = 0;
    const deps = bench.deps(
      {
        receipts: async (hashes) => {
          requests.push(hashes.length);
          expect(++underWay).toBe(1);
          await Promise.resolve();
          underWay -= 1;
          return hashes.map(() => undefined);
        },
      },
      { askAllUpTo: 1_000 },
    );
    const many = Array.from({ length: 250 }, (_, index): Confirmation => {
      const [id, nonce] = [sent.id + index, toNonce(index)];
      return { ...sent, id, nonce, attempts: [{ ...made, nonce, hash: index === 0 ? made.hash : hashOf(index) }] };
    });
    for (const each of many) deps.lane.keep(each, { sentAt: 0 });
    await trackRound(deps);
    expect(requests.splice(0)).toEqual([100, 100, 50]);
    for (const { id } of many) deps.lane.release(id);
    for (const each of many) deps.lane.keep(each, { sentAt: undefined });
    await trackRound({ ...deps, chain: { ...deps.chain, previews: async () => [] } });
    expect(requests).toEqual([250]);
  });

  describe("on more than are stored together", () => {
    const sendMany = async (deps: TrackDeps) => {
      const sent: Confirmation[] = [];
      for (let index = 0; index < 129; index++) {
        const intent = {
          task: address<TaskAddress>(0x1000 + index),
          response: address<ResponseAddress>(0x2000 + index),
        };
        sent.push(await send(deps, intent));
      }
      return sent;
    };
    const finalAll = (): TrackDeps =>
      bench.deps({ ...minedWith(true, 97n), snapshot: snapshotOf }, { askAllUpTo: 1_000 });
    type ChangeAll = TrackDeps["journal"]["changeConfirmations"];

    it("answers what it has stored, also where the rest cannot be stored now, and that in the next round", async () => {
      const deps = finalAll();
      const sent = await sendMany(deps);
      let calls = 0;
      const changeConfirmations: ChangeAll = async (changes, fences) => {
        if (++calls === 2) throw new RetryableError("the journal is busy", { code: "JOURNAL_BUSY" });
        return deps.journal.changeConfirmations(changes, fences);
      };
      const settled = await trackRound({ ...deps, journal: { ...deps.journal, changeConfirmations } });
      expect(settled.map(({ id }) => id)).toEqual(sent.slice(0, 128).map(({ id }) => id));
      expect(bench.reports).toContainEqual(
        expect.objectContaining({ type: "retry", what: `confirmation ${sent[128]?.id}` }),
      );
      expect((await trackRound(deps)).map(({ id }) => id)).toEqual([sent[128]?.id]);
    });

    it("stores larger pieces after a start, where nothing that is sent waits for them", async () => {
      const deps = finalAll();
      const stored: number[] = [];
      const changeConfirmations: ChangeAll = async (changes, fences) => {
        stored.push(changes.length);
        return deps.journal.changeConfirmations(changes, fences);
      };
      for (const { id } of await sendMany(deps)) deps.lane.note(id, { sentAt: undefined });
      await trackRound({ ...deps, journal: { ...deps.journal, changeConfirmations } });
      expect(stored).toEqual([129]);
    });
  });

  describe("on many that were mined at once", () => {
    /** Three are sent, and their nonces are used: a log tells of the first, the second reverted, the third has nothing. */
    const sendThree = async () => {
      const deps = bench.deps({ snapshot: snapshotOf });
      const third = { task: address<TaskAddress>(0x1c), response: address<ResponseAddress>(0x3c) };
      return [await send(deps), await send(deps, second), await send(deps, third)] as const;
    };
    const hashOfSent = ({ attempts }: Confirmation) => attempts[0]?.hash ?? hashOf(0);
    type Asked = { readonly logs: unknown[]; readonly receipts: Hash[] };
    const mined = (asked: Asked, logs: ReadonlyMap<Hash, bigint>, reverted?: Hash): FakeAnswers => ({
      minedNonce: async (_, at) => toNonce(at === undefined ? 3 : 0),
      snapshot: snapshotOf,
      confirmedIn: async (hashes, from, { number }) => {
        asked.logs.push([hashes.length, from, number]);
        return logs;
      },
      receipt: async (hash) => {
        asked.receipts.push(hash);
        return hash === reverted ? receiptOf(hash, 99n, false) : undefined;
      },
    });

    it("takes a log for it, and asks for the receipts of the others alone", async () => {
      const [first, other, third] = await sendThree();
      const asked: Asked = { logs: [], receipts: [] };
      const chain = mined(asked, new Map([[hashOfSent(first), 99n]]), hashOfSent(other));
      await trackRound(bench.deps(chain, { askAllUpTo: 2 }));
      expect(asked).toEqual({ logs: [[3, 98n, 100n]], receipts: [other, third].map(hashOfSent) });
      expect(await bench.journal.confirmation(first.id)).toMatchObject({
        state: "mined",
        mined: { hash: hashOfSent(first), blockNumber: 99n },
      });
      expect(await Promise.all([stateOf(other), stateOf(third)])).toEqual(["mined", "broadcast"]);
    });

    it("asks for no logs where so few are asked for each", async () => {
      await sendThree();
      const asked: Asked = { logs: [], receipts: [] };
      await trackRound(bench.deps(mined(asked, new Map()), { askAllUpTo: 3 }));
      expect([asked.logs.length, asked.receipts.length]).toEqual([0, 3]);
    });

    it("asks for the logs of the blocks alone that came since they were sent", async () => {
      const three = await sendThree();
      const asked: Asked = { logs: [], receipts: [] };
      const deps = bench.deps(mined(asked, new Map()), { askAllUpTo: 2 });
      for (const { id } of three) deps.lane.note(id, { sentAtBlock: 99n });
      await trackRound(deps);
      expect(asked.logs).toEqual([[3, 100n, 100n]]);
    });

    it("calls nothing final by a log: the receipt is asked for when the block is", async () => {
      const [first] = await sendThree();
      const asked: Asked = { logs: [], receipts: [] };
      const logs = new Map([[hashOfSent(first), 99n]]);
      await trackRound(bench.deps(mined(asked, logs), { askAllUpTo: 2 }));
      const later = { ...mined(asked, logs), head: async () => headAt(102n) };
      await trackRound(bench.deps(later, { askAllUpTo: 2 }));
      expect(await stateOf(first)).toBe("broadcast");
      await trackRound(bench.deps({ ...later, receipt: async (hash) => receiptOf(hash, 99n) }, { askAllUpTo: 2 }));
      expect(await stateOf(first)).toBe("final");
    });

    it("asks once for the receipt of what has become final, of a node that stands on the head", async () => {
      const three = await sendThree();
      const hashes = three.map(hashOfSent);
      const asked: Asked = { logs: [], receipts: [] };
      await trackRound(bench.deps(mined(asked, new Map(hashes.map((hash) => [hash, 99n]))), { askAllUpTo: 2 }));
      expect(await Promise.all(three.map(stateOf))).toEqual(["mined", "mined", "mined"]);
      const pinned: unknown[] = [];
      const behind = new RetryableError("behind", { code: "NODE_BEHIND" });
      const later = (answer: () => Promise<readonly Receipt[]>): FakeAnswers => ({
        ...mined(asked, new Map()),
        head: async () => headAt(102n),
        receiptsAt: (...args) => {
          pinned.push(args);
          return answer();
        },
      });
      await trackRound(
        bench.deps(
          later(() => Promise.reject(behind)),
          { askAllUpTo: 2 },
        ),
      );
      expect(await Promise.all(three.map(stateOf))).toEqual(["mined", "mined", "mined"]);
      expect(bench.reports.at(-1)).toMatchObject({ type: "retry", what: "finality", error: behind });
      await trackRound(
        bench.deps(
          later(async () => hashes.map((hash) => receiptOf(hash, 99n))),
          { askAllUpTo: 2 },
        ),
      );
      expect(await Promise.all(three.map(stateOf))).toEqual(["final", "final", "final"]);
      expect(pinned).toEqual([
        [hashes, 102n, hashOf(102)],
        [hashes, 102n, hashOf(102)],
      ]);
      expect(asked.receipts).toEqual([]);
    });

    it("settles the others where what became of one cannot be told, and concludes nothing of that one", async () => {
      const three = await sendThree();
      const hashes = three.map(hashOfSent);
      const asked: Asked = { logs: [], receipts: [] };
      const logs = new Map(hashes.map((hash) => [hash, 99n]));
      await trackRound(bench.deps(mined(asked, logs), { askAllUpTo: 2 }));
      const unreadable = new ReceiptError("it has no status", hashOfSent(three[1]));
      const later: FakeAnswers = {
        ...mined(asked, new Map()),
        head: async () => headAt(102n),
        minedNonce: async () => toNonce(3),
        receiptsAt: async () => hashes.map((hash, at) => (at === 1 ? unreadable : receiptOf(hash, 99n))),
      };
      await trackRound(bench.deps(later, { askAllUpTo: 2 }));
      expect(await Promise.all(three.map(stateOf))).toEqual(["final", "mined", "final"]);
      expect(bench.reports.filter(({ type }) => type === "retry")).toMatchObject([{ error: unreadable }]);
    });

    it("asks for the receipts of those whose nonces a final block counts, also where a node that lags counts fewer", async () => {
      const three = await sendThree();
      const chain: FakeAnswers = {
        snapshot: snapshotOf,
        minedNonce: async (_, at) => toNonce(at === undefined ? 0 : 3),
        receipt: async (hash) => receiptOf(hash, 97n),
      };
      await trackRound(bench.deps(chain, { askAllUpTo: 2 }));
      expect(await Promise.all(three.map(stateOf))).toEqual(["final", "final", "final"]);
    });

    it("sends all of them after a restart, which knows of none whether it was sent", async () => {
      const three = await sendThree();
      const { lane } = bench.deps();
      for (const each of three) lane.keep(each, { sentAt: undefined });
      bench.deeds.length = 0;
      const unmined: FakeAnswers = { minedNonce: async () => toNonce(0), receipt: async () => undefined };
      await trackRound(bench.deps({ ...unmined, snapshot: snapshotOf }, { askAllUpTo: 2 }));
      expect(bench.deeds).toEqual(["broadcast", "broadcast", "broadcast"]);
    });

    it("takes a confirmation that a log showed back when the account goes back", async () => {
      const [first] = await sendThree();
      const asked: Asked = { logs: [], receipts: [] };
      const chain = mined(asked, new Map([[hashOfSent(first), 99n]]));
      await trackRound(bench.deps(chain, { askAllUpTo: 2 }));
      await trackRound(bench.deps({ ...chain, minedNonce: async () => toNonce(0) }, { askAllUpTo: 2 }));
      expect(await bench.journal.confirmation(first.id)).toMatchObject({ state: "broadcast", mined: undefined });
      expect(asked.receipts).toContain(hashOfSent(first));
    });
  });

  it("loses nobody when one of them cannot be looked at", async () => {
    const deps = bench.deps({ snapshot: snapshotOf });
    const first = await send(deps);
    const other = await send(deps, second);
    const third = await send(deps, { task: address<TaskAddress>(0x1c), response: address<ResponseAddress>(0x3c) });
    const hashes = [first, other, third].map(({ attempts }) => attempts[0]?.hash);
    const left = await trackRound(
      bench.deps({
        minedNonce: async () => toNonce(1),
        snapshot: snapshotOf,
        receipt: async (hash) => {
          if (hash === hashes[1]) throw new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
          return hash === hashes[2] ? receiptOf(hash, 90n) : undefined;
        },
      }),
    );
    expect(left.toSorted((a, b) => a.id - b.id)).toMatchObject([
      { id: first.id, state: "intended" },
      { id: third.id, state: "final" },
    ]);
    expect(bench.reports.filter(({ type }) => type === "retry")).toHaveLength(1);
  });

  it("stops at once when the journal contradicts itself", async () => {
    await send(bench.deps());
    const fatal = new FatalError("contradiction", { code: "NONCE_CONFLICT" });
    const receipt = async () => {
      throw fatal;
    };
    await expect(trackRound(bench.deps({ receipt }))).rejects.toBe(fatal);
  });
});

it.each<[string, Partial<Receipt>, Fees, bigint]>([
  ["what it cost", { gasPrice: 3n }, { type: "legacy", gasPrice: 7n }, 6n],
  ["its price where the receipt tells none", { gasPrice: undefined }, { type: "legacy", gasPrice: 7n }, 14n],
  [
    "its fee cap where the receipt tells no price",
    { gasPrice: undefined },
    { type: "eip1559", maxFeePerGas: 20n, maxPriorityFeePerGas: 2n },
    40n,
  ],
])("counts what was mined, finally, at %s", async (_, told, fees, cost) => {
  await send(bench.deps({ fees: async () => fees }));
  const changeConfirmations = vi.fn(bench.journal.changeConfirmations);
  const receipt: ReceiptOf = async (hash) => ({ ...receiptOf(hash, 90n), gasUsed: 2n, ...told });
  await trackRound({ ...bench.deps({ receipt }), journal: { ...bench.journal, changeConfirmations } });
  expect(changeConfirmations.mock.calls.flatMap(([changes]) => changes.map(({ change }) => change))).toMatchObject([
    { state: "final", gasPaid: { nonce: 0, cost } },
  ]);
});

it("does not call a nonce used by somebody else while its own receipt cannot be told", async () => {
  const sent = await send(bench.deps());
  const unreadable = new ReceiptError("it has no status", sent.attempts[0]?.hash ?? hashOf(0));
  const left = await trackRound(
    bench.deps({ minedNonce: async () => toNonce(1), receiptsAt: async () => [unreadable] }),
  );
  expect([left, await stateOf(sent)]).toEqual([[], "broadcast"]);
});

describe("what a former key has signed", () => {
  it("is judged by that key's nonces, sent again as it is, and replaced by nobody", async () => {
    const old = signerOfKey("2");
    const sent = await send(bench.deps({}, { signer: old }));
    expect(await signerOf(sent)).toBe(old.address);
    const former = { signer: old, canSign: false, now: () => 5_000 };
    const counts = async (account: AccountAddress) => toNonce(account === old.address ? 0 : 500);
    const left = await trackRound(bench.deps({ minedNonce: counts }, former));
    expect(left).toEqual([]);
    expect(await bench.journal.confirmation(sent.id)).toMatchObject({ state: "broadcast", attempts: [{ nonce: 0 }] });
    expect(bench.deeds.at(-1)).toBe("broadcast");
    const passed = async (account: AccountAddress) => toNonce(account === old.address ? 1 : 500);
    const freed = await trackRound(bench.deps({ minedNonce: passed }, former));
    expect(freed[0]?.state).toBe("intended");
  });

  const notOwner: Partial<ChainPort> = { simulateConfirm: async () => ({ ok: false, reason: "NotOwner" }) };
  const swapped: Partial<ChainPort> = {
    snapshot: async () => aSnapshot({ responses: [aResponse({ provider: address(0x99) })] }),
  };
  const broadcasts = () => bench.deeds.filter((deed) => deed === "broadcast").length;
  const told = () => bench.reports.filter(({ type }) => type === "hopeless");

  it("is sent again as it is where the right alone is missing; that it reverts then is no sign against the other keys", async () => {
    const signer = signerOfKey("2");
    const { id } = await send(bench.deps({}, { signer }));
    const { journal } = bench;
    const shared = { journal, ledger: openLedger(journal, () => 0), capsOf: () => noCaps, now: () => 0 };
    const guard = createGuard({ ...shared, report: () => undefined }, { ...unlimited, revertsToPause: 1 });
    const round = (now: number, chain: FakeAnswers) =>
      trackRound(bench.deps({ ...notOwner, ...chain }, { signer, guard, canSign: false, now: () => now }));
    await round(5_000, {});
    expect(broadcasts()).toBe(1);
    await round(6_000, {});
    expect(broadcasts()).toBe(2);
    expect((await bench.journal.confirmation(id)).attempts).toHaveLength(1);
    expect(await round(7_000, minedWith(false, 97n))).toMatchObject([{ id, state: "intended" }]);
    expect(await guard.isPaused()).toBe(false);
  });

  it.each<[string, Partial<ChainPort>, number]>([
    ["another response stands there, so that nothing may be sent", swapped, 1],
    ["the client's Vault is empty", { simulateConfirm: async () => ({ ok: false, reason: "InsufficientBalance" }) }, 1],
    ["its response is gone for the moment", { snapshot: async () => aSnapshot({ responses: [] }) }, 1],
    ["it offers too little to be mined", {}, 4],
    ["its right is missing", notOwner, 2],
  ])("and stays unmined for long is told of once, with its key and its nonce, where %s", async (_, chain, sent) => {
    const signer = signerOfKey("2");
    const before = await send(bench.deps({}, { signer }));
    for (const now of [5_000, 6_000, 12_000]) {
      expect(told()).toEqual([]);
      await trackRound(bench.deps(chain, { signer, canSign: false, now: () => now }));
    }
    const message = expect.stringContaining(checksummed(signer.address));
    expect(told()).toMatchObject([{ did: "no-key", message, confirmation: { id: before.id, nonce: 0 } }]);
    expect(broadcasts()).toBe(sent);
    await trackRound(bench.deps(chain, { signer, canSign: false, now: () => 20_000 }));
    expect(told()).toHaveLength(1);
  });

  it("is not told of before this process has waited for it", async () => {
    const signer = signerOfKey("2");
    const before = await send(bench.deps({}, { signer }));
    bench.deps().lane.keep(before, { sentAt: undefined });
    for (const now of [1_000_000, 1_000_999]) {
      await trackRound(bench.deps({}, { signer, canSign: false, now: () => now }));
    }
    expect([told(), broadcasts()]).toEqual([[], 2]);
    await trackRound(bench.deps({}, { signer, canSign: false, now: () => 1_001_000 }));
    expect(told()).toHaveLength(1);
  });
});
