import { decodeFunctionData, parseTransaction } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChainPort } from "../../../src/chain/chainPort.ts";
import { controllerAbi } from "../../../src/protocol/abi.ts";
import {
  type AccountAddress,
  checksummed,
  type Hex,
  type ResponseAddress,
  type TaskAddress,
  toNonce,
  wei,
} from "../../../src/protocol/brand.ts";
import { TaskStatus } from "../../../src/protocol/statuses.ts";
import { checkAll, payAll } from "../../../src/sink/admit.ts";
import { noCaps } from "../../../src/sink/guardrails/caps.ts";
import { createGuard, unlimited } from "../../../src/sink/guardrails/guard.ts";
import { openLedger } from "../../../src/sink/guardrails/openLedger.ts";
import { cancel } from "../../../src/sink/replace.ts";
import { broadcastAll } from "../../../src/sink/send.ts";
import { trackRound } from "../../../src/sink/track.ts";
import { admit } from "../../support/admit.ts";
import { address, aResponse, aSnapshot, aTask, hashOf, type ReceiptOf } from "../../support/fakeChain.ts";
import { createSinkBench, type Intent, type SinkBench, signerOfKey } from "../../support/sinkBench.ts";

let bench: SinkBench;
beforeEach(() => {
  bench = createSinkBench();
});
afterEach(() => bench.remove());

const intentOf = (n: number, payment = wei(80n)) =>
  ({ task: address<TaskAddress>(0x100 + n), response: address<ResponseAddress>(0x200 + n), payment }) satisfies Intent;
/** What stands on the chain for each; another response where its task is among those that were swapped. */
const chainOf =
  (intents: readonly ReturnType<typeof intentOf>[], swapped: readonly TaskAddress[] = []): ChainPort["snapshot"] =>
  async (task, _, [response]) => {
    const payment = intents.find((each) => each.task === task)?.payment ?? wei(80n);
    const other = swapped.includes(task) ? { provider: address<AccountAddress>(0x99) } : {};
    const responses = response ? [aResponse({ address: response, task, payment, ...other })] : [];
    return aSnapshot({ task: aTask({ address: task }), responses });
  };

describe("one of many", () => {
  it("takes no nonce where a ceiling holds it: those that follow leave no gap", async () => {
    const intents = [intentOf(1, wei(90n)), intentOf(2)];
    const shared = { journal: bench.journal, ledger: openLedger(bench.journal, () => 0), capsOf: () => noCaps };
    const deps = { ...shared, now: () => 0, report: () => undefined };
    const guard = createGuard(deps, { ...unlimited, perHour: wei(85n) });
    const ids: number[] = [];
    for (const intent of intents) ids.push((await bench.intend(intent)).id);
    const own = bench.deps({ snapshot: chainOf(intents) }, { guard });
    expect(await payAll(own, await checkAll(own, ids))).toMatchObject([
      { type: "capped", confirmation: { id: ids[0] } },
      { type: "signed", confirmation: { id: ids[1], nonce: 0 } },
    ]);
  });

  it("has a nonce before those that were approved later, in whatever order they are asked for", async () => {
    const intents = [intentOf(1), intentOf(2), intentOf(3)];
    const ids: number[] = [];
    for (const intent of intents) ids.push((await bench.intend(intent)).id);
    const own = bench.deps({ snapshot: chainOf(intents) });
    await payAll(own, await checkAll(own, ids.toReversed()));
    expect((await bench.journal.confirmations(ids)).map(({ nonce }) => nonce)).toEqual([0, 1, 2]);
  });

  it("is signed for its own response, and no other one's", async () => {
    const intents = [intentOf(1), intentOf(2), intentOf(3)];
    const ids: number[] = [];
    for (const intent of intents) ids.push((await bench.intend(intent)).id);
    const own = bench.deps({ snapshot: chainOf(intents) });
    await payAll(own, await checkAll(own, ids));
    const signed = (await bench.journal.confirmations(ids)).map(({ attempts }) => attempts[0]?.raw ?? "0x");
    const called = signed.map((raw) =>
      decodeFunctionData({ abi: controllerAbi, data: parseTransaction(raw).data ?? "0x" }),
    );
    expect(called).toEqual(
      intents.map((each) => ({ functionName: "confirmResponse", args: [checksummed(each.response)] })),
    );
  });

  it("that another key has in flight is none of this key's", async () => {
    const [mine, theirs] = [intentOf(1), intentOf(2)];
    const snapshot = chainOf([mine, theirs]);
    const [id, other] = [(await bench.intend(mine)).id, (await bench.intend(theirs)).id];
    await admit(bench.deps({ snapshot }, { signer: signerOfKey("2") }), other);
    const own = bench.deps({ snapshot });
    expect(await payAll(own, await checkAll(own, [id, other]))).toMatchObject([
      { type: "signed", confirmation: { id } },
    ]);
  });

  it("is sent again by what the chain says of it, and not of the one before", async () => {
    const intents = [intentOf(1), intentOf(2), intentOf(3)];
    const ids: number[] = [];
    for (const intent of intents) {
      const { id } = await bench.intend(intent);
      const { confirmation } = await admit(bench.deps({ snapshot: chainOf(intents) }), id);
      await broadcastAll(bench.deps(), [confirmation]);
      ids.push(id);
    }
    const round = async (now: number, swapped: readonly TaskAddress[]) => {
      const sent: Hex[] = [];
      const broadcast: ChainPort["broadcast"] = async (raw) => {
        sent.push(raw);
        return { ok: true };
      };
      await trackRound(bench.deps({ snapshot: chainOf(intents, swapped), broadcast }, { now: () => now }));
      return sent;
    };
    const [first, next] = intents.map(({ task }) => task) as [TaskAddress, TaskAddress];
    await round(5_000, [first]);
    await round(6_000, [first]);
    const before = await bench.journal.confirmations(ids);
    expect(before[0]?.attempts.at(-1)?.kind).toBe("cancel");
    const sent = await round(20_000, [first, next]);
    const after = await bench.journal.confirmations(ids);
    expect(after[1]?.attempts).toEqual(before[1]?.attempts);
    expect(sent).toEqual([after[0]?.attempts.at(-1)?.raw, after[2]?.attempts.at(-1)?.raw]);
  });

  it.each([
    [true, "signed", "mined"],
    [false, "settled", "superseded"],
  ])(
    "whose task is settled after all, by its own bytes or not (%s), is what those have come to",
    async (ok, type, state) => {
      const { id } = await bench.intend();
      const { confirmation } = await admit(bench.deps(), id);
      await broadcastAll(bench.deps(), [confirmation]);
      const minedNonce = async () => toNonce(1);
      expect(await trackRound(bench.deps({ minedNonce }))).toMatchObject([{ id, state: "intended" }]);
      const snapshot = async () => aSnapshot({ task: aTask({ status: TaskStatus.FINALIZED }) });
      const at = { blockNumber: 97n, blockHash: hashOf(97), gasUsed: 1n, gasPrice: 1n };
      const receipt = async (hash: typeof at.blockHash) => ({ ...at, hash, succeeded: ok });
      expect(await admit(bench.deps({ minedNonce, snapshot, receipt }), id)).toMatchObject({
        type,
        confirmation: { state },
      });
    },
  );

  it("whose task somebody else settled, while a transfer of nothing had used its nonce up, is not taken for paid", async () => {
    const { id } = await bench.intend();
    const { confirmation } = await admit(bench.deps(), id);
    const cancelled = await cancel(bench.deps(), confirmation);
    if (cancelled.type !== "signed") throw new Error(cancelled.type);
    const transfer = cancelled.confirmation.attempts[1]?.hash;
    const at = { blockNumber: 97n, blockHash: hashOf(97), succeeded: true, gasUsed: 1n, gasPrice: 1n };
    const receipt: ReceiptOf = async (hash) => (hash === transfer ? { ...at, hash } : undefined);
    await broadcastAll(bench.deps(), [cancelled.confirmation]);
    expect(await trackRound(bench.deps({ receipt }))).toMatchObject([{ id, state: "intended" }]);
    const snapshot = async () => aSnapshot({ task: aTask({ status: TaskStatus.FINALIZED }) });
    expect(await admit(bench.deps({ receipt, snapshot }), id)).toMatchObject({
      type: "settled",
      confirmation: { state: "superseded" },
    });
  });

  it("whose bytes in a former nonce were mined after all is paid, however many are in flight", async () => {
    const intents = [intentOf(1), intentOf(2)];
    const snapshot = chainOf(intents);
    const [id, other] = [(await bench.intend(intents[0])).id, (await bench.intend(intents[1])).id];
    const sendIt = async (of: number, mined: number) => {
      const { confirmation } = await admit(bench.deps({ snapshot, minedNonce: async () => toNonce(mined) }), of);
      await broadcastAll(bench.deps(), [confirmation]);
      return confirmation;
    };
    const first = await sendIt(id, 0);
    await trackRound(bench.deps({ snapshot, minedNonce: async () => toNonce(1) }));
    await sendIt(id, 1);
    await sendIt(other, 1);
    const at = { blockNumber: 97n, blockHash: hashOf(97), succeeded: true, gasUsed: 1n, gasPrice: 1n };
    const receipt: ReceiptOf = async (hash) => (hash === first.attempts[0]?.hash ? { ...at, hash } : undefined);
    const own = bench.deps({ snapshot, receipt, minedNonce: async () => toNonce(1) }, { askAllUpTo: 1 });
    expect(await trackRound(own)).toMatchObject([{ id, state: "final", mined: { hash: first.attempts[0]?.hash } }]);
  });
});
