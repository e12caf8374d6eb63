import type { Hash } from "../../src/protocol/brand.ts";
import type { Faults } from "./faults.ts";
import { type NodeAnswer, refusal } from "./modelAnswers.ts";
import { revertBytes } from "./modelCalls.ts";
import type { Block, Mined, ModelChain, Place } from "./modelChain.ts";
import type { Prng } from "./prng.ts";
import { quantity } from "./words.ts";

const gwei = 1_000_000_000n;

export type ReceiptDeps = {
  readonly chain: ModelChain;
  readonly prng: Prng;
  readonly faults: Faults;
  readonly now: () => number;
};

export const gasOfConfirm = 120_000;
const gasOfTransfer = 21_000;

const gasUsed = ({ transaction }: Mined): number =>
  transaction.action.type === "transfer" ? gasOfTransfer : gasOfConfirm;

/** Wei per gas. */
const gasPrice = ({ baseFee }: Block, { transaction: { key } }: Mined): bigint => {
  const { maxFee, tip } = key ?? { maxFee: gwei, tip: 1n };
  return baseFee === undefined || baseFee + tip > maxFee ? maxFee : baseFee + tip;
};

/** What it cost in gas, wei. */
export const gasPaid = ({ block, mined }: Place): bigint => BigInt(gasUsed(mined)) * gasPrice(block, mined);

/** `eth_getTransactionReceipt` of one node: some it has only after a while, and some it still has of a branch that is gone. */
export function createReceiptAnswers(
  { chain, prng, faults, now }: ReceiptDeps,
  head: () => Block,
  seenAt: (hash: Hash) => number,
) {
  const lateUntil = new Map<Hash, number>();
  const stale = new Map<Hash, { readonly place: Place; readonly until: number }>();

  /** Of all that a block holds, for some seconds from when the node told of it. */
  const isLate = ({ hash }: Block): boolean => {
    const told = seenAt(hash);
    let until = lateUntil.get(hash);
    if (until === undefined) {
      until = faults.strikes("receipts late") ? told + prng.between(500, 8_000) : 0;
      lateUntil.set(hash, until);
    }
    return now() < until && !faults.isOver();
  };

  /** Where it was mined on a branch that this node has left, as long as it tells of that. */
  const formerPlace = (hash: Hash): Place | undefined => {
    const known = stale.get(hash);
    if (known !== undefined) return now() < known.until && !faults.isOver() ? known.place : undefined;
    const places = chain.placesOf(hash).filter(({ block }) => chain.at(head(), block.number) !== block);
    const place = places.find(({ block }) => block.number <= head().number);
    if (place === undefined) return undefined;
    const until = faults.strikes("receipt of a branch that is gone") ? now() + prng.between(1_000, 20_000) : 0;
    stale.set(hash, { place, until });
    return until > 0 ? place : undefined;
  };

  return (hash: Hash): NodeAnswer => {
    const found = chain.find(head(), hash);
    if (faults.strikes("receipt withheld")) return { result: null };
    const told = formerPlace(hash) ?? (found && !isLate(found.block) ? found : undefined);
    if (told === undefined) return { result: null };
    const { block, mined } = told;
    return {
      result: {
        transactionHash: hash,
        blockNumber: quantity(block.number),
        blockHash: block.hash,
        transactionIndex: quantity(block.mined.indexOf(mined)),
        status: mined.succeeded ? "0x1" : "0x0",
        gasUsed: quantity(gasUsed(mined)),
        effectiveGasPrice: quantity(gasPrice(block, mined)),
        logs: [],
      },
    };
  };
}

/** `debug_traceTransaction`. */
export function traceOf(chain: ModelChain, head: Block, hash: Hash): NodeAnswer {
  const found = chain.find(head, hash);
  if (found === undefined) return refusal("transaction not found");
  const { succeeded, reason } = found.mined;
  return { result: succeeded ? { type: "CALL" } : { error: "execution reverted", output: revertBytes(reason) } };
}
