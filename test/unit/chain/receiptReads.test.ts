import { describe, expect, it } from "vitest";
import { type HttpRpc, type RpcAnswer, RpcError } from "../../../src/chain/jsonRpc.ts";
import { allReceipts, ReceiptError, receiptReads } from "../../../src/chain/receiptReads.ts";
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
  return receiptReads(rpc, (what) => new RetryableError(what, { code: "NODE_BEHIND" }));
};
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
