import { parseTransaction } from "viem/utils";
import { beforeEach, describe, expect, it } from "vitest";
import type { BroadcastAnswer, ChainPort, Receipt } from "../../../src/chain/chainPort.ts";
import type { HttpRpc } from "../../../src/chain/jsonRpc.ts";
import { ReceiptError } from "../../../src/chain/receiptReads.ts";
import { RefusedError } from "../../../src/client/errors.ts";
import { type LookDeps, look } from "../../../src/client/lane/look.ts";
import { outcomeOf } from "../../../src/client/lane/outcome.ts";
import type { Entry, Transaction } from "../../../src/client/lane/transaction.ts";
import { RetryableError } from "../../../src/errors.ts";
import { type Hash, toNonce } from "../../../src/protocol/brand.ts";
import { aReceipt, fakeChain, hashOf, headAt } from "../../support/fakeChain.ts";
import { signerOfKey } from "../../support/sinkBench.ts";

const own = hashOf(0xa1);
const head = headAt(100n);
let entry: Entry;
beforeEach(() => {
  entry = {
    transaction: { what: "a call", to: "0x01", data: "0x", check: async () => undefined },
    nonce: toNonce(4),
    attempts: [{ kind: "confirm", hash: own, raw: "0x", nonce: toNonce(4), signedAt: 0 }],
    mined: undefined,
    sentAt: 0,
    answer: undefined,
    refusal: undefined,
    fate: undefined,
  };
});

const receiptIn = (blockNumber: bigint, blockHash: Hash) => aReceipt(own, blockNumber, { blockHash });
const behind = async (): Promise<never> => {
  throw new RetryableError("the node stands elsewhere", { code: "NODE_BEHIND" });
};
const refused = new RefusedError("another response stands there", { code: "RESPONSE_CHANGED" });
const elsewhere: HttpRpc = { name: "elsewhere", call: behind, batch: behind };
const lookOn = (answers: Partial<ChainPort>, entries = [entry], deps: Partial<LookDeps> = {}) =>
  look(
    {
      chain: fakeChain({ head: async () => head, ...answers }),
      elsewhere,
      signer: signerOfKey("1"),
      chainId: 1071,
      now: () => 0,
      maxFeePerGas: 1_000n,
      ...{ rebroadcastAfterMs: 10_000, receiptLagMs: 0 },
      ...deps,
    },
    entries,
  );

describe("a look of the library at what it has signed", () => {
  it("asks for the count of a node that stands on the head", async () => {
    const asked: unknown[] = [];
    await lookOn({
      minedNonce: async (_account, at, on) => {
        asked.push(at, on);
        return toNonce(4);
      },
    });
    expect(asked).toEqual([97n, head]);
  });

  it("takes no nonce for used by the word of a node that stands elsewhere", async () => {
    const sight = await lookOn({ minedNonce: behind });
    expect(sight).toMatchObject({ displaced: [], settled: [] });
  });

  it("takes a nonce for used by somebody else where a node on the same head has none of its receipts", async () => {
    const sight = await lookOn({ minedNonce: async () => toNonce(5), receiptsAt: async () => [] });
    expect(sight.displaced).toEqual([entry]);
  });

  it("takes a nonce for used by somebody else once nobody has had a receipt for ten seconds, whatever the clock does", async () => {
    let now = 50_000;
    const answers = { minedNonce: async () => toNonce(5), receiptsAt: async (): Promise<Receipt[]> => [] };
    const displaced = async (at: number, changes: Partial<ChainPort> = {}) => {
      now = at;
      const deps = { now: () => now, receiptLagMs: undefined, rebroadcastAfterMs: 600_000 };
      return (await lookOn({ ...answers, ...changes }, [entry], deps)).displaced.length;
    };
    expect([await displaced(50_000), await displaced(20_000), await displaced(29_999)]).toEqual([0, 0, 0]);
    expect(entry.answer).toBe("its nonce is used, and no endpoint has its receipt");
    expect(await displaced(30_000, { receipts: async () => [receiptIn(99n, hashOf(99))] })).toBe(0);
    expect([await displaced(31_000), await displaced(40_999), await displaced(41_000)]).toEqual([0, 0, 1]);
  });

  it("takes no nonce for used by somebody else where a block of the node's own holds what was signed", async () => {
    let held: { hash: Hash; blockNumber: bigint } | undefined = { hash: hashOf(1), blockNumber: 97n };
    const answers = { minedNonce: async () => toNonce(5), receiptsAt: async (): Promise<Receipt[]> => [] };
    const displaced = async (at: number) => {
      const deps = { now: () => at, receiptLagMs: undefined, rebroadcastAfterMs: 600_000 };
      return (await lookOn({ ...answers, findInBlocks: async () => held }, [entry], deps)).displaced.length;
    };
    expect([await displaced(0), await displaced(10_000)]).toEqual([0, 0]);
    expect(entry.answer).toBe("block 97 has it, and no endpoint its receipt");
    held = undefined;
    expect([await displaced(11_000), await displaced(20_999), await displaced(21_000)]).toEqual([0, 0, 1]);
  });

  it("does not count the time in which the process itself stood still between its question and the answer", async () => {
    let now = 0;
    const displaced = async (afterwards: number) => {
      const receiptsAt = async (): Promise<Receipt[]> => {
        now = afterwards;
        return [];
      };
      const deps = { now: () => now, receiptLagMs: undefined, rebroadcastAfterMs: 600_000 };
      return (await lookOn({ minedNonce: async () => toNonce(5), receiptsAt }, [entry], deps)).displaced.length;
    };
    expect([await displaced(0), await displaced(60_000), await displaced(60_000)]).toEqual([0, 0, 1]);
  });

  it.each<[string, Partial<ChainPort>]>([
    ["has a receipt of it", { receiptsAt: async () => [receiptIn(96n, hashOf(96))] }],
    ["stands elsewhere", { receiptsAt: behind }],
  ])("leaves it in flight where the node that must know %s", async (_, answers) => {
    const sight = await lookOn({ minedNonce: async () => toNonce(5), ...answers });
    expect(sight.displaced).toEqual([]);
  });

  it("looks after the others where one receipt is refused, and counts no confirmations by what has come since that one was read", async () => {
    entry.mined = {
      hash: own,
      blockNumber: 99n,
      blockHash: hashOf(99),
      fee: 1n,
      succeeded: true,
      kind: "confirm",
      readAt: 99n,
    };
    const other: Entry = {
      ...entry,
      nonce: toNonce(5),
      attempts: [{ kind: "confirm", hash: hashOf(0xa2), raw: "0x", nonce: toNonce(5), signedAt: 0 }],
    };
    const refused = new ReceiptError("the receipt is refused: indexing", own);
    const receipt = { ...receiptIn(99n, hashOf(99)), hash: hashOf(0xa2) };
    const sight = await lookOn({ receipts: async () => [refused, receipt] }, [entry, other]);
    expect(other.mined).toMatchObject({ hash: hashOf(0xa2), blockNumber: 99n });
    expect(entry).toMatchObject({
      mined: { hash: own, readAt: 99n },
      answer: expect.stringMatching(/is refused: indexing/),
    });
    expect(sight).toMatchObject({ settled: [], displaced: [] });
    const outcome = (confirmations: number) => outcomeOf(entry, { head: sight.head, confirmations })?.type;
    expect([outcome(1), outcome(2)]).toEqual(["mined", undefined]);
    await lookOn({ receipts: async () => [receiptIn(99n, hashOf(99))] }, [entry]);
    expect(outcome(2)).toBe("mined");
  });

  it("looks after the others where it cannot be told whether a nonce was used by somebody else", async () => {
    const other: Entry = {
      ...entry,
      nonce: toNonce(5),
      attempts: [{ kind: "confirm", hash: hashOf(0xa2), raw: "0x", nonce: toNonce(5), signedAt: 0 }],
    };
    const findInBlocks = async (): Promise<never> => {
      throw new RetryableError("no answer", { code: "ENDPOINT_UNAVAILABLE" });
    };
    const receipt = { ...receiptIn(96n, hashOf(96)), hash: hashOf(0xa2) };
    const receiptsAt = async (hashes: readonly Hash[]) => (hashes.includes(receipt.hash) ? [receipt] : []);
    const answers = { minedNonce: async () => toNonce(6), receipts: async () => [receipt], receiptsAt, findInBlocks };
    expect(await lookOn(answers, [entry, other])).toMatchObject({ settled: [other], displaced: [] });
    expect(entry).toMatchObject({ answer: "no answer", mined: undefined });
  });

  it("goes by the receipt of one attempt where that of another one is refused", async () => {
    const dearer = hashOf(0xa2);
    entry.attempts.push({ kind: "confirm", hash: dearer, raw: "0x", nonce: toNonce(4), signedAt: 0 });
    const refused = new ReceiptError("the receipt is refused: indexing", own);
    await lookOn({ receipts: async () => [refused, { ...receiptIn(99n, hashOf(99)), hash: dearer }] });
    expect(entry).toMatchObject({ mined: { hash: dearer, blockNumber: 99n }, answer: undefined });
  });

  it("looks for what was signed in all blocks since the first time", async () => {
    const [first] = entry.attempts.splice(0);
    if (first) entry.attempts.push({ ...first, signedAt: 3 }, { ...first, hash: hashOf(0xa2), signedAt: 7 });
    let from: number | undefined;
    const findInBlocks: ChainPort["findInBlocks"] = async (_hashes, _head, since) => {
      from = since;
      return undefined;
    };
    await lookOn({ minedNonce: async () => toNonce(5), receiptsAt: async () => [], findInBlocks });
    expect(from).toBe(3);
  });

  const reverted = { ...receiptIn(96n, hashOf(96)), succeeded: false };
  const counts = (mined: number, receipts: readonly Receipt[]) => async () => ({ mined: toNonce(mined), receipts });
  const down = async (): Promise<never> => {
    throw new RetryableError("no answer", { code: "ENDPOINT_UNAVAILABLE" });
  };
  const withKey = () => {
    entry = { ...entry, transaction: { ...entry.transaction, key: "task" } };
  };

  it.each<[string, ChainPort["minedElsewhere"]]>([
    ["counts nothing in its nonce", counts(4, [])],
    ["has its receipt", counts(5, [receiptIn(96n, hashOf(96))])],
    ["does not answer", down],
  ])("takes no nonce for used by somebody else where another endpoint %s", async (_, minedElsewhere) => {
    const sight = await lookOn({ minedNonce: async () => toNonce(5), minedElsewhere });
    expect(sight.displaced).toEqual([]);
  });

  it.each<[string, ChainPort["minedElsewhere"]]>([
    ["has one that succeeded", counts(5, [receiptIn(96n, hashOf(96))])],
    ["has none", counts(5, [])],
    ["does not answer", down],
  ])("takes no revert for final by one receipt where another endpoint %s", async (_, minedElsewhere) => {
    const sight = await lookOn({
      receipts: async () => [reverted],
      receiptsAt: async () => [reverted],
      minedElsewhere,
    });
    expect(sight.settled).toEqual([]);
    expect(entry.mined).toBeUndefined();
  });

  it("takes one endpoint's word while the other is away for what the contracts let be done once", async () => {
    withKey();
    const displaced = await lookOn({ minedNonce: async () => toNonce(5), minedElsewhere: down });
    expect(displaced.displaced).toEqual([entry]);
    const final = { receipts: async () => [reverted], receiptsAt: async () => [reverted] };
    expect((await lookOn({ ...final, minedElsewhere: down })).settled).toEqual([entry]);
    expect((await lookOn({ ...final, minedElsewhere: counts(5, [reverted]) })).settled).toEqual([entry]);
  });

  it("takes nothing for called off by one endpoint's word", async () => {
    const cancel = hashOf(0xc1);
    entry.attempts.push({ kind: "cancel", hash: cancel, raw: "0x", nonce: toNonce(4), signedAt: 0 });
    const receipts = async () => [undefined, { ...receiptIn(96n, hashOf(96)), hash: cancel }];
    const receiptsAt = async () => [{ ...receiptIn(96n, hashOf(96)), hash: cancel }];
    const settled = async (there: readonly Receipt[]) =>
      (await lookOn({ receipts, receiptsAt, minedElsewhere: counts(5, there) })).settled;
    expect(await settled([])).toEqual([]);
    expect(await settled(await receiptsAt())).toEqual([entry]);
  });

  it("is sure of what is final by a node that stands on the same head", async () => {
    const receipt = receiptIn(96n, hashOf(96));
    const asked: unknown[] = [];
    const sight = await lookOn({
      receipts: async () => [receipt],
      receiptsAt: async (hashes, at, hash) => {
        asked.push(hashes, at, hash);
        return [receipt];
      },
    });
    expect(sight.settled).toEqual([entry]);
    expect(entry.mined).toMatchObject({ hash: own, blockNumber: 96n });
    expect(asked).toEqual([[own], 100n, head.hash]);
  });

  describe("at what is out for long", () => {
    const call = { to: "0x0000000000000000000000000000000000000001", data: "0x0c", gas: 50_000n } as const;
    const fees = { type: "eip1559", maxFeePerGas: 80n, maxPriorityFeePerGas: 8n } as const;
    beforeEach(() => {
      [asked, full] = [95n, undefined];
    });
    const takes = async () => undefined;
    const refuses = async () => {
      throw refused;
    };
    let done: string[];
    /** Why nothing more can be kept. */
    let full: Error | undefined;
    /** What the chain asks of what is urgent. */
    let asked: bigint;
    /** Looks that many milliseconds after it was sent. */
    const lookAfter = async (
      sinceSent: number,
      kind: "confirm" | "cancel",
      check: Transaction["check"],
      most = 100n,
      deps: Partial<LookDeps> = {},
    ) => {
      const signed = await signerOfKey("1").sign({ ...call, fees, nonce: toNonce(4), chainId: 1071 });
      entry.attempts.splice(0, 1, { kind, ...signed, nonce: toNonce(4), signedAt: 0 });
      const record = async () => {
        if (full) throw full;
        done.push("kept");
      };
      entry = { ...entry, sentAt: 0, transaction: { ...entry.transaction, record, check } };
      done = [];
      const answers: Partial<ChainPort> = {
        fees: async (urgent) => ({ ...fees, maxFeePerGas: urgent ? asked : 70n }),
        broadcast: async (raw) => {
          const { to, data, maxFeePerGas, maxPriorityFeePerGas } = parseTransaction(raw);
          done.push(`sent ${to?.slice(-4)} ${data} ${maxFeePerGas} ${maxPriorityFeePerGas}`);
          return { ok: true };
        },
      };
      await lookOn(answers, [entry], { now: () => sinceSent, maxFeePerGas: most, ...deps });
    };

    it("sends the same call for more, kept before it is sent, and leaves it alone for as long again", async () => {
      await lookAfter(9_999, "confirm", takes);
      expect(done).toEqual([]);
      await lookAfter(10_000, "confirm", takes);
      expect(done).toEqual(["kept", "sent 0001 0x0c 95 9"]);
      expect(entry.attempts.map(({ kind }) => kind)).toEqual(["confirm", "confirm"]);
      expect(entry.sentAt).toBe(10_000);
    });

    const isAway = { ...signerOfKey("1"), sign: () => Promise.reject(new Error("the signer is away")) };
    it("sends it as it was signed where it cannot be signed for more, and says why", async () => {
      await lookAfter(10_000, "confirm", takes, 100n, { signer: isAway });
      expect(done).toEqual(["sent 0001 0x0c 80 8"]);
      expect(entry).toMatchObject({ attempts: [{ kind: "confirm" }], sentAt: 10_000, answer: "the signer is away" });
    });

    it("sends nothing that could not be kept", async () => {
      full = new Error("the disk is full");
      await lookAfter(10_000, "confirm", takes);
      expect(done).toEqual(["sent 0001 0x0c 80 8"]);
      await lookAfter(10_000, "confirm", refuses);
      expect(done).toEqual([]);
      expect(entry).toMatchObject({ attempts: [{ kind: "confirm" }], answer: "the disk is full" });
    });

    it("offers the ceiling where the chain asks more: less than that may be mined", async () => {
      asked = 200n;
      await lookAfter(10_000, "confirm", takes);
      expect(done).toEqual(["kept", "sent 0001 0x0c 100 9"]);
    });

    it("uses a nonce up for more, and asks nobody whether the call would be refused", async () => {
      await lookAfter(10_000, "cancel", behind);
      expect(done).toEqual(["kept", expect.stringMatching(/^sent \w{4} undefined 95 9$/)]);
      expect(entry.attempts.map(({ kind }) => kind)).toEqual(["cancel", "cancel"]);
    });

    it("sends nothing that would be refused where what calls it off would pass the ceiling", async () => {
      await lookAfter(10_000, "confirm", refuses, 89n);
      expect(done).toEqual([]);
      expect(entry.attempts.map(({ kind }) => kind)).toEqual(["confirm"]);
      await lookAfter(10_000, "confirm", refuses);
      expect(done).toEqual(["kept", expect.stringMatching(/^sent \w{4} undefined 95 9$/)]);
      expect(entry.attempts.map(({ kind }) => kind)).toEqual(["confirm", "cancel"]);
    });
  });

  describe("of what was taken back", () => {
    let sent: string[];
    /** Looks once: here it is refused by now, and elsewhere something is found out. */
    const lookAgain = async (
      check: Transaction["check"],
      key?: string,
      answered: BroadcastAnswer = { ok: true },
      answers: Partial<ChainPort> = {},
    ) => {
      const call = {
        to: "0x0000000000000000000000000000000000000001",
        data: "0x",
        gas: 50_000n,
        chainId: 1071,
      } as const;
      const fees = { type: "eip1559", maxFeePerGas: 20n, maxPriorityFeePerGas: 2n } as const;
      const signed = await signerOfKey("1").sign({ ...call, fees, nonce: toNonce(4) });
      entry.attempts[0] = { kind: "confirm", ...signed, nonce: toNonce(4), signedAt: 0 };
      entry.mined = {
        hash: signed.hash,
        blockNumber: 99n,
        blockHash: hashOf(99),
        fee: 1n,
        succeeded: true,
        kind: "confirm",
        readAt: 99n,
      };
      entry = { ...entry, transaction: { ...entry.transaction, check, ...(key !== undefined && { key }) } };
      sent = [];
      await lookOn({
        ...answers,
        broadcast: async (raw) => {
          sent.push(raw);
          return answered;
        },
      });
    };
    const refusing =
      (there: (() => Promise<void>) | undefined): Transaction["check"] =>
      async (rpc) => {
        if (rpc !== elsewhere) throw refused;
        await there?.();
      };
    const refuses = async () => {
      throw new RefusedError("it says so, too", { code: "RESPONSE_CHANGED" });
    };

    it.each<[string, Transaction["check"], string | undefined, "confirm" | "cancel"]>([
      ["sends it again", async () => undefined, undefined, "confirm"],
      ["calls it off where two endpoints refuse it by now", refusing(refuses), undefined, "cancel"],
      [
        "calls it off where the other endpoint is away, and it can be done but once",
        refusing(behind),
        "task",
        "cancel",
      ],
    ])("%s", async (_, check, key, kind) => {
      await lookAgain(check, key);
      expect(entry.mined).toBeUndefined();
      expect(entry.refusal).toBe(kind === "cancel" ? refused : undefined);
      expect(sent).toEqual([entry.attempts.at(-1)?.raw]);
      expect(entry.attempts.at(-1)?.kind).toBe(kind);
    });

    it.each<[BroadcastAnswer, string | undefined, string | undefined]>([
      [{ ok: true }, undefined, undefined],
      [{ ok: false, message: "intrinsic gas too low" }, "intrinsic gas too low", "intrinsic gas too low"],
      [{ ok: false, message: "no answer", why: "ECONNRESET" }, "ECONNRESET", "no answer"],
    ])("keeps a node's own word on it, and what people are told: %j", async (answered, answer, word) => {
      entry.word = "an older one";
      await lookAgain(async () => undefined, undefined, answered);
      expect([entry.answer, entry.word]).toEqual([answer, word]);
    });

    it("does not call off what was mined since its receipt was asked for, and is refused because of that", async () => {
      await lookAgain(
        refusing(refuses),
        "task",
        { ok: true },
        {
          minedNonce: async (_account, at) => toNonce(at === undefined ? 5 : 4),
        },
      );
      expect(sent).toEqual([]);
      expect(entry).toMatchObject({ attempts: [{ kind: "confirm" }], refusal: undefined });
    });

    it.each<[string, Transaction["check"], string | undefined, RegExp]>([
      ["another one would take it", refusing(undefined), undefined, /another response stands there.*would take it/],
      ["another one would take what can be done but once", refusing(undefined), "task", /would take it/],
      ["the other one is away", refusing(behind), undefined, /the node stands elsewhere/],
    ])("neither sends it nor calls it off where one endpoint refuses it, and %s", async (_, check, key, answer) => {
      await lookAgain(check, key);
      expect(sent).toEqual([]);
      expect(entry.attempts.map(({ kind }) => kind)).toEqual(["confirm"]);
      expect(entry.refusal).toBeUndefined();
      expect(entry.answer).toMatch(answer);
    });
  });

  it.each<[string, ChainPort["receiptsAt"]]>([
    ["is in a block of another branch", async () => [receiptIn(96n, hashOf(0x96b))]],
    ["is missing there", async () => []],
    ["is told of by nobody who stands there", behind],
  ])("keeps in flight what seems final and %s", async (_, receiptsAt) => {
    const sight = await lookOn({ receipts: async () => [receiptIn(96n, hashOf(96))], receiptsAt });
    expect(sight.settled).toEqual([]);
    expect(entry.mined).toBeUndefined();
  });
});
