import { describe, expect, it } from "vitest";
import { type HttpRpc, type RpcAnswer, RpcError } from "../../../src/chain/jsonRpc.ts";
import { allReceipts, lacksReceipt, ReceiptError, receiptReads } from "../../../src/chain/receiptReads.ts";
import { RetryableError } from "../../../src/errors.ts";
import { hashOf } from "../../support/fakeChain.ts";

const [first, odd, last] = [hashOf(1), hashOf(2), hashOf(3)];
const whole = (hash: unknown) => ({
  transactionHash: hash,
  blockNumber: "0x5a",
  blockHash: hashOf(90),
  status: "0x1",
  gasUsed: "0x5208",
  effectiveGasPrice: "0x7",
});
/** A node at block 100 that has a receipt of each, and answers for the odd one as it is told. */
const nodeWith = (answer: RpcAnswer) => {
  const answerTo = (asked: unknown): RpcAnswer => {
    if (asked === "0x64") return { result: { hash: hashOf(100) } };
    if (asked === "0x5a") return { result: { hash: hashOf(90) } };
    if (asked === "0x5b") return { result: null };
    return asked === odd ? answer : { result: whole(asked) };
  };
  const rpc: HttpRpc = {
    name: "node",
    call: () => Promise.reject(new Error("not asked here")),
    batch: async (calls) => calls.map(({ params }) => answerTo(params[0])),
  };
  return receiptReads(rpc, missing);
};
const missing = (what: string) => new RetryableError(what, { code: "NODE_BEHIND" });
const told = (hash: string) => expect.objectContaining({ hash, blockNumber: 90n, succeeded: true, gasUsed: 21_000n });

describe("receipts of several transactions", () => {
  it.each<[string, RpcAnswer]>([
    ["there is none", { result: null }],
    ["it is of no block yet", { result: { ...whole(odd), blockNumber: null, blockHash: null } }],
  ])("are told without the one of which %s", async (_, answer) => {
    const node = nodeWith(answer);
    expect(await node.receipts([first, odd, last])).toEqual([told(first), undefined, told(last)]);
    expect(await node.receiptsAt([first, odd, last], 100n)).toEqual([told(first), told(last)]);
  });

  it.each<[string, RpcAnswer, RegExp]>([
    ["is refused", { error: new RpcError("indexing is in progress", -32000, undefined) }, /indexing/],
    ["has no status", { result: { ...whole(odd), status: undefined } }, /its status is no number/],
    ["has no block", { result: { ...whole(odd), blockNumber: undefined } }, /its blockNumber is no number/],
    ["has no block's hash", { result: { ...whole(odd), blockHash: null } }, /its blockHash is no hash/],
    ["tells the gas in words", { result: { ...whole(odd), gasUsed: "much" } }, /its gasUsed is no number/],
    ["is another one's", { result: whole(first) }, /another transaction/],
    ["is no object", { result: "0x1" }, /its transactionHash is no hash/],
  ])("are told beside the error of the one that %s", async (_, answer, why) => {
    const node = nodeWith(answer);
    const error = expect.objectContaining({
      hash: odd,
      code: "RECEIPT_UNREADABLE",
      message: expect.stringMatching(why),
    });
    expect(await node.receipts([first, odd, last])).toEqual([told(first), error, told(last)]);
    const pinned = await node.receiptsAt([first, odd, last], 100n);
    expect(pinned).toEqual([told(first), error, told(last)]);
    expect(() => allReceipts(pinned)).toThrow(ReceiptError);
  });

  it("tell the gas price, or that the node does not", async () => {
    const { effectiveGasPrice, ...silent } = whole(odd);
    const [one, other] = await nodeWith({ result: silent }).receipts([first, odd]);
    expect([one, other]).toMatchObject([{ gasPrice: BigInt(effectiveGasPrice) }, { gasPrice: undefined }]);
  });

  it("are not told at all by a node that stands on another block", async () => {
    const node = nodeWith({ result: null });
    await expect(node.receiptsAt([first], 100n, hashOf(99))).rejects.toMatchObject({ code: "NODE_BEHIND" });
    expect(await node.receiptsAt([first], 100n, hashOf(100))).toEqual([told(first)]);
  });

  it.each<[string, string, string]>([
    ["of another block at that height", hashOf(91), "0x5a"],
    ["of a block that is not there", hashOf(90), "0x5b"],
  ])("are errors where a node stands on that very block and has them %s", async (_, blockHash, blockNumber) => {
    const stale = { ...whole(odd), blockHash, blockNumber };
    const node = nodeWith({ result: stale });
    const error = expect.objectContaining({ hash: odd, code: "RECEIPT_UNREADABLE" });
    expect(await node.receiptsAt([first, odd, last], 100n, hashOf(100))).toEqual([told(first), error, told(last)]);
  });
});

describe("a transaction in a node's own blocks", () => {
  /** Blocks of a second each. */
  const chainWith = (held: Readonly<Record<number, readonly string[]>>, { oldest = 0, signedIn = 0 } = {}) => {
    const asked: number[] = [];
    const rpc: HttpRpc = {
      name: "node",
      call: () => Promise.reject(new Error("not asked here")),
      batch: async (calls) => {
        asked.push(calls.length);
        return calls.map(({ params: [block] }) => {
          const number = Number(block);
          const timestamp = `0x${(1_700_000_000 + number).toString(16)}`;
          if (number < oldest)
            return number % 2 ? { result: null } : { error: new RpcError("pruned", 4444, undefined) };
          return { result: { hash: hashOf(number), timestamp, transactions: held[number] ?? [] } };
        });
      },
    };
    const since = (1_700_000_000 + signedIn) * 1_000;
    return { asked, find: (head: bigint) => receiptReads(rpc, missing).findInBlocks([first, last], head, since) };
  };

  it("is found at the head, and far below it", async () => {
    expect(await chainWith({ 250: [odd, last] }).find(250n)).toEqual({ hash: last, blockNumber: 250n });
    const { asked, find } = chainWith({ 12: [first] });
    expect(await find(250n)).toEqual({ hash: first, blockNumber: 12n });
    expect(asked).toEqual([100, 100, 51]);
  });

  it("is not looked for below the first block, below what the node keeps, or long before it was signed", async () => {
    expect(await chainWith({ 100: [odd] }).find(250n)).toBeUndefined();
    for (const oldest of [160, 161]) {
      const pruned = chainWith({ 100: [first] }, { oldest });
      expect(await pruned.find(250n)).toBeUndefined();
      expect(pruned.asked).toEqual([100]);
    }
    const long = chainWith({ 1199: [first] }, { signedIn: 1_800 });
    expect(await long.find(2_000n)).toBeUndefined();
    expect(long.asked).toHaveLength(9);
    expect(await chainWith({ 1200: [first] }, { signedIn: 1_800 }).find(2_000n)).toEqual({
      hash: first,
      blockNumber: 1_200n,
    });
    const far = chainWith({ 2000: [first] });
    expect([await far.find(12_000n), far.asked.length]).toEqual([undefined, 100]);
    expect(await far.find(11_999n)).toEqual({ hash: first, blockNumber: 2_000n });
  });

  it("is found, too, where the clock that it was signed by is far ahead of the chain's", async () => {
    const find = (signedIn: number) => chainWith({ 12: [first] }, { signedIn }).find(2_000n);
    expect([await find(2_600), await find(2_601)]).toEqual([undefined, { hash: first, blockNumber: 12n }]);
  });

  it("is not told of by a node that does not have the head", async () => {
    for (const oldest of [251, 252]) await expect(chainWith({}, { oldest }).find(250n)).rejects.toThrow("blocks");
  });
});

describe("a node that has no receipt of a transaction", () => {
  it.each<[string, boolean, unknown, unknown]>([
    ["lacks it where its own block holds that", true, { transactions: [odd, first] }, null],
    ["lacks none where its block holds others", false, { transactions: [odd] }, null],
    ["lacks none where it does not have that block", false, null, null],
    ["lacks none where it tells of no transactions", false, { hash: hashOf(90) }, null],
    ["is no such node where it has the receipt", false, { transactions: [first] }, whole(first)],
  ])("%s", async (_, lacks, block, receipt) => {
    const rpc: HttpRpc = {
      name: "node",
      call: () => Promise.reject(new Error("not asked here")),
      batch: async (calls) =>
        calls.map(({ method, params: [asked] }) => {
          expect(["0x5a", first]).toContain(asked);
          return { result: method === "eth_getBlockByNumber" ? block : receipt };
        }),
    };
    expect(await lacksReceipt(rpc, { hash: first, blockNumber: 90n })).toBe(lacks);
  });
});
