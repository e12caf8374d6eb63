import { decodeFunctionData, type Hex, parseTransaction } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChainPort } from "../../../src/chain/chainPort.ts";
import { RpcError } from "../../../src/chain/jsonRpc.ts";
import { FatalError, RetryableError } from "../../../src/errors.ts";
import type { PolicyCaps } from "../../../src/policy/policyPort.ts";
import { controllerAbi } from "../../../src/protocol/abi.ts";
import {
  checksummed,
  type ResponseAddress,
  type TaskAddress,
  toNonce,
  unixSeconds,
  wei,
} from "../../../src/protocol/brand.ts";
import { ResponseStatus, TaskStatus } from "../../../src/protocol/statuses.ts";
import type { Report } from "../../../src/report.ts";
import { checkAll, payAll } from "../../../src/sink/admit.ts";
import { noCaps } from "../../../src/sink/guardrails/caps.ts";
import { createGuard, unlimited } from "../../../src/sink/guardrails/guard.ts";
import { openLedger } from "../../../src/sink/guardrails/openLedger.ts";
import { createStrangers } from "../../../src/sink/strangers.ts";
import { admit } from "../../support/admit.ts";
import { address, aResponse, aSnapshot, aTask, headAt, response, taskGone } from "../../support/fakeChain.ts";
import { createSinkBench, type SinkBench } from "../../support/sinkBench.ts";

let bench: SinkBench;
beforeEach(() => {
  bench = createSinkBench();
});
afterEach(() => bench.remove());

const withTask = (status: number): Partial<ChainPort> => ({
  snapshot: async () => aSnapshot({ task: aTask({ status }) }),
});
const withResponse = (changes: Parameters<typeof aResponse>[0]): Partial<ChainPort> => ({
  snapshot: async () => aSnapshot({ responses: [aResponse(changes)] }),
});
const reverts = (reason: string): Partial<ChainPort> => ({ simulateConfirm: async () => ({ ok: false, reason }) });
const atBlock = (block: bigint): Partial<ChainPort> => ({ head: async () => headAt(block) });
/** At second 1,000. */
const expiresAt = (seconds: number): Partial<ChainPort> => ({
  snapshot: async () => aSnapshot({ task: aTask({ expiryTime: unixSeconds(seconds) }) }),
});
const other = { task: address<TaskAddress>(0x1b), response: address<ResponseAddress>(0x3b) };

describe("admitting an intent", () => {
  it.each<[string, Partial<ChainPort>, string, RegExp]>([
    ["the task is finalised", withTask(TaskStatus.FINALIZED), "superseded", /FINALIZED/],
    ["the task is canceled", withTask(TaskStatus.CANCELED), "superseded", /CANCELED/],
    ["the task is expired", withTask(TaskStatus.EXPIRED), "superseded", /EXPIRED/],
    [
      "the response is confirmed",
      withResponse({ status: ResponseStatus.CONFIRMED }),
      "superseded",
      /confirmed already/,
    ],
    ["the price went up", withResponse({ payment: wei(81n) }), "rejected", /another response stands/],
    ["the price went down", withResponse({ payment: wei(79n) }), "rejected", /another response stands/],
    ["the response is another task's", withResponse({ task: other.task }), "rejected", /another response stands/],
    [
      "another provider's stands there",
      withResponse({ provider: address(0x99) }),
      "rejected",
      /another response stands/,
    ],
    ["its data is another", withResponse({ data: "[]" }), "rejected", /another response stands/],
    ["the call reverts, and nobody knows why", reverts("unknown error 0xdeadbeef"), "rejected", /0xdeadbeef/],
    ["a final block is without its task", { ...taskGone(), ...atBlock(103n) }, "rejected", /reorg took the task back/],
    ["its time is over, finally", { ...reverts("Expired"), ...expiresAt(999) }, "superseded", /expiry time has passed/],
  ])("settles it without a nonce when %s", async (_, chain, state, reason) => {
    const { id } = await bench.intend();
    const admission = await admit(bench.deps(chain), id);
    expect(admission).toMatchObject({ type: "settled", confirmation: { state, nonce: undefined, attempts: [] } });
    expect(admission.confirmation.reason).toMatch(reason);
    expect(await bench.journal.highestNonce(bench.signer.address)).toBeUndefined();
    expect(bench.deeds).toEqual([]);
  });

  it.each<[string, Partial<ChainPort>, RegExp]>([
    [
      "the response is not on the chain for the moment",
      { snapshot: async () => aSnapshot({ responses: [] }) },
      /not on the chain/,
    ],
    ["its task is not on the chain for the moment", taskGone(), /task is not on the chain/],
    [
      "the task is closed, but not finally",
      {
        snapshot: async (_task, _source, _responses, at) =>
          aSnapshot({ task: aTask({ status: at === undefined ? TaskStatus.FINALIZED : TaskStatus.RESPONDED }) }),
      },
      /FINALIZED, but not finally/,
    ],
    ["its time is over, in a block that may be taken back", reverts("Expired"), /has passed, but not finally/],
    [
      "the final block is of the second of its expiry, which still pays",
      { ...reverts("Expired"), ...expiresAt(1_000) },
      /has passed, but not finally/,
    ],
    ["somebody else is faster, and the state does not show it yet", reverts("AlreadyFinalized"), /finalised already/],
    ["the signer is not authorised yet", reverts("NotOwner"), /neither the client nor its agent/],
    ["the client's Vault is empty", reverts("InsufficientBalance"), /balance in the Vault/],
    ["gas is too dear", { fees: async () => ({ type: "legacy", gasPrice: 1_001n }) }, /above sink.maxFeePerGas/],
  ])("puts it off, without a nonce, while %s", async (_, chain, reason) => {
    const { id } = await bench.intend();
    const admission = await admit(bench.deps(chain), id);
    expect(admission).toMatchObject({
      type: "postponed",
      reason: expect.stringMatching(reason),
      confirmation: { state: "intended" },
    });
    expect(bench.deeds).toEqual([]);
  });

  it("puts it off while nobody knows the ceilings of its policy, and pays it once its file is back", async () => {
    const { id } = await bench.intend();
    const { journal, reports } = bench;
    const report = (each: Report) => void reports.push(each);
    const guardOf = (capsOf: () => PolicyCaps | undefined) =>
      createGuard({ journal, ledger: openLedger(journal, () => 0), capsOf, now: () => 0, report }, unlimited);
    expect(await admit(bench.deps({}, { guard: guardOf(() => undefined) }), id)).toMatchObject({
      type: "postponed",
      reason:
        'its policy "p" is not in force, and nobody knows its ceilings: bring its file back, or take the approval back (ogpu-confirmd withdraw)',
    });
    expect(bench.deeds).toEqual([]);
    expect(await admit(bench.deps({}, { guard: guardOf(() => noCaps) }), id)).toMatchObject({ type: "signed" });
  });

  it("puts it off while its price is above a ceiling that was lowered since", async () => {
    const { id } = await bench.intend();
    const lowered = bench.deps({}, { maxPayment: wei(79n) });
    expect(await admit(lowered, id)).toMatchObject({
      type: "postponed",
      reason: expect.stringMatching(/sink.maxPayment/),
    });
    expect(await admit(bench.deps({}, { maxPayment: wei(80n) }), id)).toMatchObject({ type: "signed" });
  });

  it("pays where gas costs what sink.maxFeePerGas allows at the most", async () => {
    const { id } = await bench.intend();
    const fees: ChainPort["fees"] = async () => ({ type: "legacy", gasPrice: 1_000n });
    expect(await admit(bench.deps({ fees }), id)).toMatchObject({ type: "signed" });
  });

  it("takes nothing when the endpoint does not answer, whichever question it was", async () => {
    const { id } = await bench.intend();
    const down = async (): Promise<never> => {
      throw new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
    };
    for (const question of ["snapshot", "simulateConfirm", "fees", "minedNonce"] as const) {
      await expect(admit(bench.deps({ [question]: down }), id)).rejects.toThrow(/down/);
      expect(await bench.journal.confirmation(id)).toMatchObject({ state: "intended", attempts: [] });
    }
  });

  it("signs the call that confirms this response, for this chain, and journals it", async () => {
    const { id } = await bench.intend();
    const { type, confirmation } = await admit(bench.deps({ minedNonce: async () => toNonce(7) }), id);
    expect([type, confirmation.state, confirmation.nonce]).toEqual(["signed", "signed", 7]);
    const signed = parseTransaction(confirmation.attempts[0]?.raw as Hex);
    expect(signed).toMatchObject({
      chainId: 1071,
      nonce: 7,
      gas: 125_000n,
      maxFeePerGas: 20n,
      maxPriorityFeePerGas: 2n,
    });
    expect(signed.value ?? 0n).toBe(0n);
    const call = decodeFunctionData({ abi: controllerAbi, data: signed.data as Hex });
    expect(call).toEqual({ functionName: "confirmResponse", args: [checksummed(response)] });
  });

  it.each([
    ["the chain's count, where the journal has none", 7, [], 7],
    ["the one after the journal's highest, where the node lags", 0, [7], 8],
    ["the one after the journal's highest, where they meet", 8, [7], 8],
  ])("takes %s", async (_, mined, journalled, expected) => {
    for (const nonce of journalled) {
      const before = await bench.intend(other);
      const attempt = {
        kind: "confirm",
        hash: `0x${"e".repeat(64)}`,
        raw: "0x02",
        nonce: toNonce(nonce),
        signedAt: 0,
      } as const;
      await bench.journal.recordAttempt(before.id, bench.signer.address, attempt);
    }
    const { id } = await bench.intend();
    const { confirmation } = await admit(bench.deps({ minedNonce: async () => toNonce(mined) }), id);
    expect(confirmation.nonce).toBe(expected);
  });

  it.each([
    ["takes the chain's count, one block later, where the key was used elsewhere", 12, 12, 12],
    ["signs in no nonce that one answer alone tells of, which would leave a gap for ever", 1_000_000, 8, 8],
  ])("%s", async (_, said, elsewhere, expected) => {
    const before = await bench.intend(other);
    const attempt = {
      kind: "confirm",
      hash: `0x${"e".repeat(64)}`,
      raw: "0x02",
      nonce: toNonce(7),
      signedAt: 0,
    } as const;
    await bench.journal.recordAttempt(before.id, bench.signer.address, attempt);
    const { id } = await bench.intend();
    const asked: unknown[] = [];
    let head = headAt(100n);
    const deps = bench.deps({
      head: async () => head,
      minedNonce: async () => toNonce(said),
      pendingNonce: async () => toNonce(elsewhere),
      minedNonceElsewhere: async (...args) => {
        asked.push(args);
        return { mined: toNonce(elsewhere), block: head.number };
      },
    });
    for (let times = 0; times < 2; times++) {
      const reason = expect.stringContaining(`${said} transactions of this key, and the journal explains 8`);
      expect(await admit(deps, id)).toMatchObject({ type: "postponed", reason });
    }
    expect(await bench.journal.highestNonce(bench.signer.address)).toBe(7);
    head = headAt(101n);
    expect(await admit(deps, id)).toMatchObject({ type: "signed", confirmation: { nonce: expected } });
    expect(asked.at(-1)).toEqual([bench.signer.address, 101n]);
  });

  it("pays with a key that is new to the journal while another endpoint cannot tell what it counts, after some looks", async () => {
    const { id } = await bench.intend();
    const asked: unknown[] = [];
    const deps = bench.deps({
      minedNonce: async (...args) => {
        asked.push(args);
        return toNonce(5);
      },
      pendingNonce: async () => toNonce(5),
      minedNonceElsewhere: async () => {
        throw new RetryableError("it lacks the block", { code: "NODE_BEHIND" });
      },
    });
    for (let times = 0; times < 2; times++) {
      const reason = expect.stringContaining("a second look decides");
      expect(await admit(deps, id)).toMatchObject({ type: "postponed", reason, ofKey: true });
    }
    expect(await admit(deps, id)).toMatchObject({ type: "signed", confirmation: { nonce: 5 } });
    expect(asked.at(-1)).toEqual([bench.signer.address, 100n, headAt(100n)]);
  });

  it("pays where a node does not tell of its pool, and waits where none answers", async () => {
    const { id } = await bench.intend();
    const down = new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
    const untold = new RpcError("the method does not exist", -32601, undefined);
    const pool = (error: Error) => bench.deps({ pendingNonce: () => Promise.reject(error) });
    await expect(admit(pool(down), id)).rejects.toBe(down);
    expect(await bench.journal.confirmation(id)).toMatchObject({ state: "intended", attempts: [] });
    expect(await admit(pool(untold), id)).toMatchObject({ type: "signed", confirmation: { nonce: 0 } });
  });

  it("leaves strangers the nonces that were adopted, where the first signature failed", async () => {
    const { id } = await bench.intend();
    const { signer, reports } = bench;
    const report = (each: Report) => void reports.push(each);
    const strangers = createStrangers(signer.address, { foreignPending: "adopt", report, now: () => 0 });
    const counts = { minedNonce: async () => toNonce(5), pendingNonce: async () => toNonce(8) };
    const mute = { ...signer, sign: async () => Promise.reject(new Error("the signer is down")) };
    await expect(admit(bench.deps(counts, { strangers, signer: mute }), id)).rejects.toThrow(/signer is down/);
    const { confirmation } = await admit(bench.deps(counts, { strangers }), id);
    expect(confirmation.nonce).toBe(8);
  });

  it("keeps nothing of a batch, and breaks off, where the signer contradicts itself in one of them", async () => {
    const ids = [(await bench.intend()).id, (await bench.intend(other)).id];
    const { signer } = bench;
    let asked = 0;
    const wrong: typeof signer = {
      ...signer,
      sign: async (transaction) => {
        asked += 1;
        if (asked === 2) throw new FatalError("signed by another key", { code: "SIGNED_BYTES_DIFFER" });
        return signer.sign(transaction);
      },
    };
    const snapshot: ChainPort["snapshot"] = async (task, _, [address]) =>
      aSnapshot({ task: aTask({ address: task }), responses: address ? [aResponse({ address, task })] : [] });
    const deps = bench.deps({ snapshot }, { signer: wrong });
    await expect(payAll(deps, await checkAll(deps, ids))).rejects.toThrow(/another key/);
    expect([asked, await bench.journal.highestNonce(signer.address), bench.deeds]).toEqual([2, undefined, []]);
  });

  it("signs nothing twice: what is signed stays as it is", async () => {
    const { id } = await bench.intend();
    const first = await admit(bench.deps(), id);
    const again = await admit(bench.deps({ snapshot: async () => expect.unreachable() }), id);
    expect(again).toEqual(first);
    expect(bench.deeds).toEqual(["journalled nonce 0"]);
  });

  it("never calls rejected what was signed once", async () => {
    const { id } = await bench.intend();
    await admit(bench.deps(), id);
    await bench.journal.changeConfirmation(id, { state: "intended" });
    const admission = await admit(bench.deps(reverts("Panic(17)")), id);
    expect(admission).toMatchObject({ type: "settled", confirmation: { state: "cancelled" } });
  });
});

describe("an approval that is withdrawn", () => {
  it.each([
    ["may be paid", TaskStatus.RESPONDED],
    ["is settled by somebody else", TaskStatus.FINALIZED],
  ])("while the chain says that it %s stays withdrawn, and breaks nothing off", async (_, status) => {
    const { journal } = bench;
    const { id } = await bench.intend();
    const reason = "withdrawn by ann: it pays for nothing";
    const deps = bench.deps({
      snapshot: async () => {
        await journal.setPause({ by: "operator", who: "ann", why: "a bad policy", at: 1 });
        await journal.withdraw([id], reason);
        await journal.endPause({ who: "ann", why: "", at: 2 });
        return aSnapshot({ task: aTask({ status }) });
      },
    });
    const error = await admit(deps, id).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(FatalError);
    expect(await admit(deps, id)).toMatchObject({ type: "settled", confirmation: { state: "rejected", reason } });
    expect([await journal.highestNonce(bench.signer.address), bench.deeds]).toEqual([undefined, []]);
  });
});

describe("a pause", () => {
  it("that comes between the look at an intent and its signature keeps the signer from being asked", async () => {
    const { id } = await bench.intend();
    const signer = { ...bench.signer, sign: async () => expect.unreachable() };
    const deps = bench.deps({}, { signer });
    const checked = await checkAll(deps, [id]);
    expect(checked.payable).toHaveLength(1);
    await bench.journal.setPause({ by: "operator", who: "test", why: "stop", at: 1 });
    expect(await payAll(deps, checked)).toMatchObject([{ type: "paused", resumed: false }]);
    expect([await bench.journal.highestNonce(bench.signer.address), bench.deeds]).toEqual([undefined, []]);
  });

  it("that comes while the signer takes its time keeps what it signs from being kept or sent, and counts against nothing", async () => {
    const { id } = await bench.intend();
    const signer = {
      ...bench.signer,
      sign: async (...args: Parameters<typeof bench.signer.sign>) => {
        await bench.journal.setPause({ by: "operator", who: "test", why: "stop", at: 1 });
        return bench.signer.sign(...args);
      },
    };
    const deps = { ...bench.deps(), signer };
    expect(await payAll(deps, await checkAll(deps, [id]))).toMatchObject([{ type: "paused", resumed: false }]);
    expect([await bench.journal.highestNonce(bench.signer.address), bench.deeds]).toEqual([undefined, []]);
    expect(await bench.journal.gasSpent({ since: 0, after: undefined, limit: 9 })).toEqual([]);
    await bench.journal.endPause({ who: "test", why: "", at: 2 });
    expect(await admit(bench.deps(), id)).toMatchObject({ type: "signed", confirmation: { state: "signed" } });
  });
});
