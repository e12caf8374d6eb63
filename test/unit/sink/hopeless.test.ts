import { parseTransaction } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BroadcastAnswer, ChainPort } from "../../../src/chain/chainPort.ts";
import { RpcError } from "../../../src/chain/jsonRpc.ts";
import type { Confirmation, NewAttempt } from "../../../src/journal/journal.ts";
import type { Hash, Hex } from "../../../src/protocol/brand.ts";
import { TaskStatus } from "../../../src/protocol/statuses.ts";
import { createLane } from "../../../src/sink/lane.ts";
import { broadcastAll } from "../../../src/sink/send.ts";
import { type TrackDeps, trackRound } from "../../../src/sink/track.ts";
import { createCrashJournal } from "../../sim/crashJournal.ts";
import { admit } from "../../support/admit.ts";
import { aSnapshot, aTask, hashOf, type ReceiptOf } from "../../support/fakeChain.ts";
import { createSinkBench, type SinkBench } from "../../support/sinkBench.ts";

let bench: SinkBench;
let sent: Hex[];
beforeEach(() => {
  bench = createSinkBench();
  sent = [];
});
afterEach(() => bench.remove());

const refusal = "exceeds block gas limit";
const hopeless = { ok: false, message: refusal } as const;
const isTransfer = (raw: Hex) => parseTransaction(raw).data === undefined;
const gasOf = (raw: Hex | undefined) => raw && parseTransaction(raw).gas;

/** A sink whose node answers as it is told, and what it does as rounds go by. */
function stage(
  answer: (raw: Hex) => BroadcastAnswer,
  chain: Partial<ChainPort> = {},
  changes: Partial<TrackDeps> = {},
) {
  let now = 0;
  const deps: TrackDeps = bench.deps(
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
    deps,
    send: async (): Promise<Confirmation> => {
      const { id } = await bench.intend();
      const { confirmation } = await admit(deps, id);
      await broadcastAll(deps, [confirmation]);
      return confirmation;
    },
    /** @param times Rounds, each when something is due. */
    rounds: async (times: number) => {
      for (let each = 0; each < times; each++) {
        now += 1_001;
        await trackRound(deps);
      }
    },
  };
}

const deedsOf = () => bench.reports.flatMap((report) => (report.type === "hopeless" ? [report.did] : []));
const standing = async ({ id }: Confirmation) => bench.journal.confirmation(id);
const minedAs =
  (kind: "confirm" | "cancel", confirmation: () => Promise<Confirmation>): ReceiptOf =>
  async (hash) => {
    const attempt = (await confirmation()).attempts.find((each) => each.hash === hash);
    const receipt = { hash, blockNumber: 90n, blockHash: hashOf(90), gasUsed: 1n, gasPrice: 1n };
    return attempt?.kind === kind ? { ...receipt, succeeded: true } : undefined;
  };

describe("bytes that nodes refuse for good", () => {
  it("are signed anew in their nonce once, with the gas of now; then the nonce is used up, and the confirmation dead", async () => {
    let gas = 100_000n;
    const { send, rounds, deps } = stage((raw) => (isTransfer(raw) ? { ok: true } : hopeless), {
      simulateConfirm: async () => ({ ok: true, gas }),
    });
    const confirmation = await send();
    gas = 60_000n;
    await rounds(2);
    expect(deedsOf()).toEqual(["signed-anew"]);
    expect([gasOf(sent[0]), gasOf(sent.at(-1))]).toEqual([125_000n, 75_000n]);
    await rounds(2);
    expect(deedsOf()).toEqual(["signed-anew", "gave-up"]);
    expect(isTransfer(sent.at(-1) as Hex)).toBe(true);
    expect(new Set(sent.map((raw) => parseTransaction(raw).nonce ?? 0))).toEqual(new Set([0]));
    expect(await standing(confirmation)).toMatchObject({
      state: "broadcast",
      reason: `nodes refuse it for good: ${refusal}`,
      nonce: 0,
    });

    const receipt = minedAs("cancel", () => standing(confirmation));
    await trackRound({ ...deps, chain: { ...deps.chain, ...bench.deps({ receipt }).chain } });
    expect(await standing(confirmation)).toMatchObject({ state: "dead", reason: /refuse it for good/ });
    expect(deps.lane.inFlight()).toEqual([]);
  });

  it("are used up by a transfer with more gas, where that of the usual gas is refused, too, and no dearer one fits", async () => {
    const fees = async () => ({ type: "legacy", gasPrice: 900n }) as const;
    const takesFrom = 30_000n;
    const isTaken = (raw: Hex) => isTransfer(raw) && (gasOf(raw) ?? 0n) >= takesFrom;
    const { send, rounds } = stage((raw) => (isTaken(raw) ? { ok: true } : hopeless), { fees });
    const confirmation = await send();
    await rounds(16);
    expect((await standing(confirmation)).reason).toBe(`nodes refuse it for good: ${refusal}`);
    const transfers = sent.filter(isTransfer);
    expect([...new Set(transfers.map(gasOf))]).toEqual([21_000n, 26_250n, 32_812n]);
    expect(new Set(transfers.map((raw) => parseTransaction(raw).gasPrice))).toEqual(new Set([900n]));
    expect(new Set(sent.map((raw) => parseTransaction(raw).nonce ?? 0))).toEqual(new Set([0]));
  });

  it("are not signed with more and more gas for ever", async () => {
    const fees = async () => ({ type: "legacy", gasPrice: 900n }) as const;
    const { send, rounds } = stage(() => hopeless, { fees });
    await send();
    await rounds(40);
    expect(new Set(sent.filter(isTransfer).map(gasOf)).size).toBe(6);
    expect(deedsOf().at(-1)).toBe("nothing");
  });

  it("are paid, where they were mined after all", async () => {
    const { send, rounds } = stage((raw) => (isTransfer(raw) ? { ok: true } : hopeless));
    const confirmation = await send();
    await rounds(4);
    expect(deedsOf()).toContain("gave-up");
    await trackRound(bench.deps({ receipt: minedAs("confirm", () => standing(confirmation)) }));
    expect(await standing(confirmation)).toMatchObject({ state: "final", reason: "" });
  });

  it("are tried anew, and not dead, where they were mined after all and reverted: somebody had taken them", async () => {
    const { send, rounds } = stage((raw) => (isTransfer(raw) ? { ok: true } : hopeless));
    const confirmation = await send();
    await rounds(4);
    expect(deedsOf().at(-1)).toBe("gave-up");
    const mined = minedAs("confirm", () => standing(confirmation));
    const receipt: ReceiptOf = async (...args) => {
      const found = await mined(...args);
      return found && { ...found, succeeded: false };
    };
    await trackRound(bench.deps({ receipt }));
    expect((await standing(confirmation)).state).toBe("intended");
  });

  it("stay as they are while one node takes them", async () => {
    let answers = 0;
    const { send, rounds } = stage(() => (answers++ % 3 === 2 ? { ok: false, message: "already known" } : hopeless));
    await send();
    await rounds(12);
    expect(deedsOf()).toEqual([]);
    expect(new Set(sent).size).toBe(1);
  });

  it.each(["no answer", "txpool is full"])("stay as they are where nobody says a last word: %s", async (message) => {
    let calls = 0;
    const { send, rounds } = stage(() => (++calls === 3 ? { ok: false, message } : hopeless));
    await send();
    await rounds(2);
    expect(deedsOf()).toEqual([]);
    expect(new Set(sent).size).toBe(1);
    expect(bench.reports).toContainEqual(
      expect.objectContaining({ type: "postponed", reason: expect.stringMatching(/none says whether it takes them/) }),
    );
    await rounds(1);
    expect(deedsOf()).toEqual(["signed-anew"]);
  });

  it("stay as they are where the last word, of all endpoints, is another one", async () => {
    let calls = 0;
    const { send, rounds } = stage(() => (++calls === 3 ? { ok: true } : hopeless));
    await send();
    await rounds(2);
    expect(deedsOf()).toEqual([]);
    expect(new Set(sent).size).toBe(1);
  });

  it("are overcome although silence comes between: no answer says nothing about them", async () => {
    let calls = 0;
    const { send, rounds } = stage(() => (++calls % 2 === 0 ? { ok: false, message: "no answer" } : hopeless));
    await send();
    await rounds(6);
    expect(deedsOf()[0]).toBe("signed-anew");
  });

  it("lead to nothing but a word to the operator, once, where the key is a former one", async () => {
    const { send, rounds, deps } = stage(() => hopeless);
    await send();
    const former = { ...deps, canSign: false };
    await rounds(1);
    let now = 10_000;
    for (let round = 0; round < 4; round++) await trackRound({ ...former, now: () => (now += 2_000) });
    expect(deedsOf()).toEqual(["nothing"]);
    expect(new Set(sent).size).toBe(1);
  });

  it("lead to a word to the operator where even a transfer of nothing is refused", async () => {
    const { send, rounds } = stage(() => hopeless);
    await send();
    await rounds(12);
    expect(deedsOf()).toEqual(["signed-anew", "gave-up", "nothing"]);
    // The confirmation, once more with other fees, and the transfer, again and again dearer.
    expect(sent.filter((raw) => !isTransfer(raw)).length).toBe(6);
  });

  it("are given up although a node does not even try the call any more; then it is dead all the same", async () => {
    let isShut = false;
    const { send, rounds, deps } = stage((raw) => (isTransfer(raw) ? { ok: true } : hopeless), {
      simulateConfirm: async () => {
        if (isShut) throw new RpcError("Out of gas: gas required exceeds allowance: 70000", -32000, undefined);
        return { ok: true, gas: 100_000n };
      },
    });
    const confirmation = await send();
    isShut = true;
    await rounds(1);
    expect(deedsOf()).toEqual(["gave-up"]);
    // Nothing went out that was not checked.
    expect([...new Set(sent)].map(isTransfer)).toEqual([false, true]);
    expect(sent.filter((raw) => !isTransfer(raw))).toHaveLength(1);
    const { chain } = bench.deps({ receipt: minedAs("cancel", () => standing(confirmation)) });
    await trackRound({ ...deps, chain: { ...chain, previews: deps.chain.previews } });
    expect((await standing(confirmation)).state).toBe("dead");
  });

  it("are not sent once more by a former key where nobody could check them, nor signed anew where they would revert", async () => {
    let answer: "refuses" | "reverts" | "passes" = "passes";
    const { send, rounds, deps } = stage((raw) => (isTransfer(raw) ? { ok: true } : hopeless), {
      simulateConfirm: async () => {
        if (answer === "refuses") throw new RpcError("gas required exceeds allowance: 70000", -32000, undefined);
        return answer === "reverts" ? { ok: false, reason: "InsufficientBalance" } : { ok: true, gas: 100_000n };
      },
      // The preview passes by the gas that is known.
      previews: async (asks) => {
        const found = aSnapshot();
        if (answer === "refuses")
          return asks.map(() => new RpcError("gas required exceeds allowance", -32000, undefined));
        const [response] = found.responses;
        const simulation = { ok: true, gas: 100_000n } as const;
        return asks.map(() => ({ block: 100n, taskStatus: found.task.status, response, simulation }));
      },
    });
    await send();
    answer = "refuses";
    let now = 10_000;
    const former = { ...deps, canSign: false, now: () => now };
    for (let round = 0; round < 3; round++, now += 2_000) await trackRound(former);
    expect(deedsOf()).toEqual(["nothing"]);
    expect(sent).toHaveLength(1);
    answer = "reverts";
    await rounds(20);
    expect(deedsOf()).toEqual(["nothing"]);
    expect(new Set(sent).size).toBe(1);
  });

  it("are forgotten where somebody else settled the task: it is superseded, not dead", async () => {
    const { send, rounds } = stage((raw) => (isTransfer(raw) ? { ok: true } : hopeless));
    const confirmation = await send();
    await rounds(4);
    const closed = async () => aSnapshot({ task: aTask({ status: TaskStatus.FINALIZED }) });
    const receipt = minedAs("cancel", () => standing(confirmation));
    await trackRound(bench.deps({ receipt, snapshot: closed }));
    expect((await standing(confirmation)).state).toBe("superseded");
  });

  it("are known to be given up after a restart", async () => {
    const { send, rounds } = stage((raw) => (isTransfer(raw) ? { ok: true } : hopeless));
    const confirmation = await send();
    await rounds(4);
    const lane = createLane();
    lane.keep(await standing(confirmation), { sentAt: undefined });
    const early = async (hash: Hash) => {
      const receipt = await minedAs("cancel", () => standing(confirmation))(hash);
      return receipt && { ...receipt, blockNumber: 99n };
    };
    await trackRound(bench.deps({ receipt: early }, { lane }));
    expect(await standing(confirmation)).toMatchObject({ state: "mined", reason: /refuse it for good/ });
    const again = createLane();
    again.keep(await standing(confirmation), { sentAt: undefined });
    const receipt = minedAs("cancel", () => standing(confirmation));
    await trackRound(bench.deps({ receipt }, { lane: again }));
    expect((await standing(confirmation)).state).toBe("dead");
  });

  it("are known to be given up although the process ends as soon as their cancel is in the journal", async () => {
    let isAlive = true;
    const { promise: theEnd, resolve: end } = Promise.withResolvers<void>();
    const journal = createCrashJournal(bench.journal, {
      isAlive: () => isAlive,
      isOusted: () => false,
      moment: () => undefined,
      onCommit: (_, args) => {
        if (!args.flat().some((each) => (each as Partial<NewAttempt>)?.attempt?.kind === "cancel")) return;
        isAlive = false;
        end();
      },
    });
    const { send, rounds } = stage((raw) => (isTransfer(raw) ? { ok: true } : hopeless), {}, { journal });
    const confirmation = await send();
    await Promise.race([rounds(4), theEnd]);
    const left = await standing(confirmation);
    expect([left.state, left.attempts.at(-1)?.kind]).toEqual(["signed", "cancel"]);

    const lane = createLane();
    lane.keep(left, { sentAt: undefined });
    const receipt = minedAs("cancel", () => standing(confirmation));
    await trackRound(bench.deps({ receipt }, { lane }));
    expect((await standing(confirmation)).state).toBe("dead");
  });
});
