import { parseTransaction } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BroadcastAnswer, ChainPort } from "../../../src/chain/chainPort.ts";
import { RpcError } from "../../../src/chain/jsonRpc.ts";
import { RetryableError } from "../../../src/errors.ts";
import type { Confirmation } from "../../../src/journal/journal.ts";
import { type Hex, type ResponseAddress, type TaskAddress, unixSeconds, wei } from "../../../src/protocol/brand.ts";
import { TaskStatus } from "../../../src/protocol/statuses.ts";
import { noCaps } from "../../../src/sink/guardrails/caps.ts";
import { createGuard, unlimited } from "../../../src/sink/guardrails/guard.ts";
import { openLedger } from "../../../src/sink/guardrails/openLedger.ts";
import { broadcastAll } from "../../../src/sink/send.ts";
import { type TrackDeps, trackRound } from "../../../src/sink/track.ts";
import { admit } from "../../support/admit.ts";
import { address, aResponse, aSnapshot, hashOf, headAt, type ReceiptOf, snapshotOf } from "../../support/fakeChain.ts";
import { createSinkBench, type Intent, type SinkBench } from "../../support/sinkBench.ts";

let bench: SinkBench;
beforeEach(() => {
  bench = createSinkBench();
});
afterEach(() => bench.remove());

const intentOf = (n: number): Intent => ({
  task: address<TaskAddress>(0x100 + n),
  response: address<ResponseAddress>(0x1000 + n),
});
const swapped: Partial<ChainPort> = {
  snapshot: async () => aSnapshot({ responses: [aResponse({ provider: address(0x99) })] }),
};
const send = async (deps: TrackDeps, intent?: Intent): Promise<Confirmation> => {
  const { confirmation } = await admit(deps, (await bench.intend(intent)).id);
  await broadcastAll(deps, [confirmation]);
  return confirmation;
};
const attemptsOf = async ({ id }: Confirmation) => (await bench.journal.confirmation(id)).attempts;
const kindsOf = async (sent: Confirmation) => (await attemptsOf(sent)).map(({ kind }) => kind);
const failing =
  (message: string): ChainPort["previews"] =>
  async (asks) =>
    asks.map(() => new RpcError(message, -32000, undefined));
/** A node does not even try the calls. */
const untried = failing("gas required exceeds allowance: 70000");
const isTransfer = (raw: Hex) => parseTransaction(raw).data === undefined;
const nonceOf = (raw: Hex) => parseTransaction(raw).nonce ?? 0;

describe("what is sent again", () => {
  it("goes out in nonce order, twenty in a request, and none is left out", async () => {
    for (let n = 0; n < 41; n++) await send(bench.deps({ snapshot: snapshotOf }), intentOf(n));
    const requests: (readonly number[])[] = [];
    const collect: ChainPort["broadcastAll"] = async (raws) => {
      requests.push(raws.map(nonceOf));
      return raws.map(() => ({ ok: true }));
    };
    await trackRound(bench.deps({ snapshot: snapshotOf, broadcastAll: collect }, { now: () => 1_000, askAllUpTo: 50 }));
    const all = Array.from({ length: 41 }, (_, nonce) => nonce);
    expect(requests).toEqual([all.slice(0, 20), all.slice(20, 40), all.slice(40)]);
  });

  it.each([
    ["both clocks", 599, 0, true],
    ["both clocks", 600, 0, false],
    ["the chain's clock, behind which the machine's is,", 599, 900, true],
    ["the machine's clock, where the chain stands still,", 599, -900, true],
  ])(
    "is raised to what hurried transactions pay where its task, by %s ends in %i s",
    async (_, left, ahead, isHurried) => {
      const [now, timestamp] = [1_000 - Math.max(0, ahead), unixSeconds(1_000 + Math.min(0, ahead))];
      const head = async () => headAt(100n, { timestamp });
      await send(bench.deps());
      const asked: (boolean | undefined)[] = [];
      const previews: ChainPort["previews"] = async (asks) =>
        asks.map(({ withExpiry }) => ({
          block: 100n,
          taskStatus: TaskStatus.RESPONDED,
          response: aResponse(),
          simulation: { ok: true, gas: 100_000n },
          expiresAt: withExpiry ? unixSeconds(1_000 + left) : undefined,
        }));
      const fees: ChainPort["fees"] = async (urgent) => {
        asked.push(urgent);
        return { type: "legacy", gasPrice: 30n };
      };
      await trackRound(bench.deps({ previews, fees, head }, { now: () => now * 1_000 }));
      expect(asked).toEqual([isHurried]);
    },
  );

  it("is made dearer only where so many blocks have come since it was sent", async () => {
    const first = await send(bench.deps({ snapshot: snapshotOf }), intentOf(1));
    const receipt: ReceiptOf = async (hash) =>
      hash === first.attempts[0]?.hash
        ? { hash, blockNumber: 90n, blockHash: hashOf(90), succeeded: true, gasUsed: 1n, gasPrice: 1n }
        : undefined;
    const round = (now: number, head: bigint) => {
      const chain = { snapshot: snapshotOf, receipt, head: async () => headAt(head) };
      return trackRound(bench.deps(chain, { now: () => now, replaceAfterBlocks: 3 }));
    };
    await round(0, 100n);
    const next = await send(bench.deps({ snapshot: snapshotOf }), intentOf(2));
    await round(1_000, 102n);
    expect(await attemptsOf(next)).toHaveLength(1);
    await round(2_000, 105n);
    expect(await attemptsOf(next)).toHaveLength(2);
  });

  it("is a transfer of nothing where the key has lost its right: another one may pay it then", async () => {
    const sent = await send(bench.deps());
    const notOwner: Partial<ChainPort> = { simulateConfirm: async () => ({ ok: false, reason: "NotOwner" }) };
    for (const now of [5_000, 6_000]) await trackRound(bench.deps(notOwner, { now: () => now }));
    expect(await kindsOf(sent)).toEqual(["confirm", "cancel"]);
  });

  it("is a transfer of nothing as soon as ever where the clock is set back meanwhile", async () => {
    const sent = await send(bench.deps());
    for (const now of [3_600_000, 1_000, 2_000]) await trackRound(bench.deps(swapped, { now: () => now }));
    expect(await kindsOf(sent)).toEqual(["confirm", "cancel"]);
  });

  it("is signed anew by nobody because a node will not try the call, where no node has refused the bytes", async () => {
    const sent = await send(bench.deps());
    for (const now of [1_000, 2_000, 3_000, 4_000]) {
      await trackRound(bench.deps({ previews: untried }, { now: () => now }));
    }
    expect(await kindsOf(sent)).toEqual(["confirm"]);
    expect(bench.reports.filter(({ type }) => type === "hopeless")).toEqual([]);
  });

  it("is what was signed before while the signer is down, and the trouble is told", async () => {
    const sent = await send(bench.deps());
    const broadcast: Hex[] = [];
    const collect: Partial<ChainPort> = {
      broadcast: async (raw) => {
        broadcast.push(raw);
        return { ok: true };
      },
    };
    const error = new RetryableError("the signer is down", { code: "SIGNER_UNAVAILABLE" });
    const signer = { ...bench.signer, sign: () => Promise.reject(error) };
    await trackRound(bench.deps(collect, { now: () => 1_000, signer }));
    expect(broadcast).toEqual(sent.attempts.map(({ raw }) => raw));
    expect(bench.reports.filter(({ type }) => type === "retry")).toMatchObject([{ error }]);
  });
});

describe("what nodes refuse for good", () => {
  const refusal: BroadcastAnswer = { ok: false, message: "exceeds block gas limit" };
  const dear: Partial<ChainPort> = { fees: async () => ({ type: "legacy", gasPrice: 900n }) };
  /** Rounds, each when something is due, and what they send. */
  const stage = (answer: (raw: Hex) => BroadcastAnswer) => {
    let now = 0;
    const depsOf = (chain: Partial<ChainPort>, changes: Partial<TrackDeps>, sent: Hex[]) =>
      bench.deps(
        {
          ...chain,
          broadcast: async (raw) => {
            sent.push(raw);
            return answer(raw);
          },
        },
        { now: () => now, ...changes },
      );
    return {
      send: (chain: Partial<ChainPort> = {}) => send(depsOf(chain, {}, [])),
      rounds: async (times: number, chain: Partial<ChainPort> = {}, changes: Partial<TrackDeps> = {}) => {
        const sent: Hex[] = [];
        for (let each = 0; each < times; each++) {
          now += 1_001;
          await trackRound(depsOf(chain, changes, sent));
        }
        return sent;
      },
    };
  };

  it("is neither sent nor signed once more where another response stands there by then: its nonce is used up", async () => {
    const { send: begin, rounds } = stage((raw) => (isTransfer(raw) ? { ok: true } : refusal));
    const sent = await begin();
    expect(await rounds(1)).toHaveLength(1);
    const after = await rounds(2, swapped);
    expect(await kindsOf(sent)).toEqual(["confirm", "cancel"]);
    expect([after.length, after.every(isTransfer)]).toEqual([1, true]);
  });

  it.each<[string, Partial<TrackDeps>]>([
    ["the key is a former one", { canSign: false }],
    ["no block has come since it was sent", { replaceAfterBlocks: 1 }],
  ])("and only uses its nonce up is given no more gas while %s", async (_, changes) => {
    const { send: begin, rounds } = stage(() => refusal);
    const sent = await begin(dear);
    await rounds(5, dear);
    const before = await attemptsOf(sent);
    expect(before.at(-1)?.kind).toBe("cancel");
    expect(await rounds(3, dear, changes)).toHaveLength(3);
    expect(await attemptsOf(sent)).toEqual(before);
    await rounds(1, dear);
    expect(await attemptsOf(sent)).toHaveLength(before.length + 1);
  });

  it("is not signed anew where no node tries the call that would show what stands there: its nonce is used up", async () => {
    const { send: begin, rounds } = stage((raw) => (isTransfer(raw) ? { ok: true } : refusal));
    const sent = await begin();
    await rounds(1, { previews: untried });
    expect(await kindsOf(sent)).toEqual(["confirm", "cancel"]);
  });

  it("is not refused once more by a node that fails for reasons of its own", async () => {
    const { send: begin, rounds } = stage(() => refusal);
    const sent = await begin();
    await rounds(4, { previews: failing("missing trie node") });
    expect(await kindsOf(sent)).toEqual(["confirm"]);
  });

  it("is not given up where the ceiling on gas alone keeps it from being signed with the gas that it needs by now", async () => {
    const { journal } = bench;
    const ledger = openLedger(journal, () => 0);
    const shared = { journal, ledger, capsOf: () => noCaps, now: () => 0, report: () => undefined };
    const guard = createGuard(shared, { ...unlimited, gasPerDay: wei(125_000n * 20n) });
    const { send: begin, rounds } = stage(() => refusal);
    const sent = await begin();
    const needsMore: Partial<ChainPort> = { simulateConfirm: async () => ({ ok: true, gas: 200_000n }) };
    await rounds(4, needsMore, { guard });
    expect(await kindsOf(sent)).toEqual(["confirm"]);
    expect(bench.reports.flatMap((each) => (each.type === "hopeless" ? [each.did] : []))).toEqual(["nothing"]);
  });
});
