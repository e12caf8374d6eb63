import { RetryableError } from "../errors.ts";
import type { BlockRef } from "../journal/journal.ts";
import type { Hash } from "../protocol/brand.ts";
import type { ChainPort, Receipt } from "./chainPort.ts";
import { type HttpRpc, type Missing, type RpcAnswer, resultOf } from "./jsonRpc.ts";
import { countIn } from "./minedNonce.ts";
import { blockCall, blockIn, toQuantity, toReceipt } from "./wire.ts";

/** What became of one transaction cannot be told: its receipt was refused, or is not one. It says nothing of any other. */
export class ReceiptError extends RetryableError {
  readonly hash: Hash;

  constructor(message: string, hash: Hash, cause?: unknown) {
    super(message, {
      code: "RECEIPT_UNREADABLE",
      remedy: "if it stays, do without that endpoint; the daemon asks again, and holds the transaction for in flight",
      cause,
    });
    this.hash = hash;
  }
}

/** Where nothing may be missing. @throws the first that cannot be told. */
export function allReceipts(answers: readonly (Receipt | ReceiptError)[]): readonly Receipt[] {
  return answers.map((answer) => {
    if (answer instanceof ReceiptError) throw answer;
    return answer;
  });
}

const ofGoneBranch = (name: string, { hash, blockNumber, blockHash }: Receipt): ReceiptError =>
  new ReceiptError(
    `the receipt that ${name} has of ${hash} is of ${blockHash}, which is not its block ${blockNumber}`,
    hash,
  );

export const receiptMethod = "eth_getTransactionReceipt";
const callFor = (hash: Hash) => ({ method: receiptMethod, params: [hash] });

const readerOf =
  (rpc: HttpRpc) =>
  (hash: Hash, answer: RpcAnswer | undefined): Receipt | ReceiptError | undefined => {
    const told = `the receipt that ${rpc.name} has of ${hash}`;
    if (answer === undefined) return new ReceiptError(`${told} did not come`, hash);
    if ("error" in answer) return new ReceiptError(`${told} is refused: ${answer.error.message}`, hash, answer.error);
    try {
      return toReceipt(answer.result, hash);
    } catch (cause) {
      return new ReceiptError(`${told} is malformed: ${(cause as Error).message}`, hash, cause);
    }
  };

/** How often an account's nonces are used, and then receipts: what is counted was mined before they are read. */
export const minedBy =
  (rpc: HttpRpc): ChainPort["minedElsewhere"] =>
  async (account, hashes) => {
    const count = { method: "eth_getTransactionCount", params: [account, "latest"] };
    const [mined, ...answers] = await rpc.batch([count, ...hashes.map(callFor)]);
    const readOf = readerOf(rpc);
    return {
      mined: countIn(rpc, resultOf(mined)),
      receipts: hashes.flatMap((hash, index) => readOf(hash, answers[index]) ?? []),
    };
  };

/** Whether a node has a transaction in its own block of that number, and no receipt of it. */
export async function lacksReceipt(
  rpc: HttpRpc,
  { hash, blockNumber }: Pick<Receipt, "hash" | "blockNumber">,
): Promise<boolean> {
  const [block, receipt] = await rpc.batch([blockCall(toQuantity(blockNumber)), callFor(hash)]);
  const { transactions = [] } = blockIn(block) ?? {};
  return resultOf(receipt) === null && transactions.includes(hash);
}

/** Blocks that are asked for in one request. */
const blocksAtOnce = 100;
/** No more blocks than these are looked through. */
const mostBlocks = 10_000n;
/** Milliseconds by which a chain's clock and this machine's may differ. */
const clocksApartMs = 600_000;

/**
 * Where a node has one of these transactions in a block of its own, whatever receipts it has. Blocks are looked through from the head
 * back to what is older than `since`, or is not kept any more.
 */
const blockFinder =
  (rpc: HttpRpc, missing: Missing): ChainPort["findInBlocks"] =>
  async (hashes, head, since) => {
    const ours = new Set(hashes);
    const lowest = head < mostBlocks ? 0n : head - mostBlocks + 1n;
    let oldest = since - clocksApartMs;
    for (let next = head; next >= lowest; next -= BigInt(blocksAtOnce)) {
      const count = Math.min(blocksAtOnce, Number(next - lowest) + 1);
      const numbers = Array.from({ length: count }, (_, back) => next - BigInt(back));
      const answers = await rpc.batch(numbers.map((number) => blockCall(toQuantity(number))));
      for (const [index, blockNumber] of numbers.entries()) {
        const answer = answers[index];
        const block = answer && "result" in answer ? blockIn(answer) : null;
        if (block === null && blockNumber === head) throw missing("blocks", head);
        if (block === null) return undefined;
        const time = Number(block.timestamp) * 1_000;
        // A machine's clock that is so far ahead says nothing of when that was.
        if (blockNumber === head && time < oldest) oldest = 0;
        if (time < oldest) return undefined;
        const hash = block.transactions?.find((each) => ours.has(each));
        if (hash) return { hash, blockNumber };
      }
    }
    return undefined;
  };

/** Receipts, each told or not for itself. */
export function receiptReads(
  rpc: HttpRpc,
  missing: Missing,
): Pick<ChainPort, "receipts" | "receiptsAt" | "findInBlocks"> {
  const readOf = readerOf(rpc);

  /** A node may keep a receipt of a branch that is gone, though it stands on the other one: where, its block at that height tells. */
  const onChainOf = async (head: BlockRef, receipts: readonly (Receipt | ReceiptError)[]): Promise<typeof receipts> => {
    const inBlocks = receipts.flatMap((each) => (each instanceof Error ? [] : [each.blockNumber]));
    const numbers = [...new Set(inBlocks)].filter((number) => number !== head.number);
    const known = new Map<bigint, Hash | undefined>([[head.number, head.hash]]);
    if (numbers.length > 0) {
      const reads = [head.number, ...numbers].map((number) => blockCall(toQuantity(number)));
      const [here, ...blocks] = (await rpc.batch(reads)).map(blockIn);
      if (here?.hash !== head.hash) throw missing("receipts", head.number);
      for (const [index, number] of numbers.entries()) known.set(number, blocks[index]?.hash);
    }
    return receipts.map((each) =>
      each instanceof Error || each.blockHash === known.get(each.blockNumber) ? each : ofGoneBranch(rpc.name, each),
    );
  };

  return {
    findInBlocks: blockFinder(rpc, missing),

    receipts: async (hashes) => {
      const answers = await rpc.batch(hashes.map(callFor));
      return hashes.map((hash, at) => readOf(hash, answers[at]));
    },

    receiptsAt: async (hashes, at, blockHash) => {
      const [block, ...answers] = await rpc.batch([blockCall(toQuantity(at)), ...hashes.map(callFor)]);
      const there = blockIn(block);
      if (there === null || (blockHash !== undefined && there.hash !== blockHash)) throw missing("receipts", at);
      const receipts = hashes.flatMap((hash, index) => readOf(hash, answers[index]) ?? []);
      return blockHash === undefined ? receipts : onChainOf({ number: at, hash: blockHash }, receipts);
    },
  };
}
