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

const callFor = (hash: Hash) => ({ method: "eth_getTransactionReceipt", params: [hash] });

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

/** Receipts, each told or not for itself. */
export function receiptReads(rpc: HttpRpc, missing: Missing): Pick<ChainPort, "receipts" | "receiptsAt"> {
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
