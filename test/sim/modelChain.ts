import type { Hash, Hex } from "../../src/protocol/brand.ts";
import type { Deployment } from "../../src/protocol/chains.ts";
import { agentSetTopic, eventTopics, type RpcLog } from "../../src/protocol/events.ts";
import { bloomOf } from "./bloom.ts";
import type { Mempool, ModelTransaction } from "./mempool.ts";
import { applyAction, copyState, emptyState, type ModelEvent, type ModelState } from "./modelContracts.ts";
import { addressWord, modelHash, numberWord, quantity } from "./words.ts";

export type Mined = {
  readonly transaction: ModelTransaction;
  readonly succeeded: boolean;
  /** Empty where it succeeded. */
  readonly reason: string;
};

/** Where a transaction was mined, and what came of it. */
export type Place = { readonly block: Block; readonly mined: Mined };

export type Block = {
  readonly number: number;
  readonly hash: Hash;
  readonly parent: Block | undefined;
  /** Unix seconds. */
  readonly time: number;
  /** Wei per gas; `undefined` on a chain without EIP-1559. */
  readonly baseFee: bigint | undefined;
  readonly mined: readonly Mined[];
  readonly logs: readonly RpcLog[];
  readonly state: ModelState;
  /** As a node sends it. */
  readonly wire: Readonly<Record<string, unknown>>;
};

/** What the next block holds besides what it is built on. */
export type BlockPlan = {
  readonly time: number;
  readonly baseFee: bigint | undefined;
  readonly transactions: readonly ModelTransaction[];
  /** Those of them that revert, whatever they call. @default none */
  readonly doomed?: ReadonlySet<Hash>;
};

export type ModelChain = {
  /** Newest block of the canonical chain. */
  readonly tip: () => Block;
  /** Canonical block at a height. */
  readonly canonical: (number: number) => Block | undefined;
  readonly byHash: (hash: Hash) => Block | undefined;
  /** The block at a height in the past of `tip`, whatever branch it is on. */
  readonly at: (tip: Block, number: number) => Block | undefined;
  /** The blocks at a height that are on no branch any more, or on another one. */
  readonly besides: (block: Block) => readonly Block[];
  /** Where a transaction was mined, in the past of `tip`. */
  readonly find: (tip: Block, hash: Hash) => Place | undefined;
  /** Where a transaction was ever mined, on whatever branch. */
  readonly placesOf: (hash: Hash) => readonly Place[];
  /** Whether a block of this height, on whatever branch, holds a transaction. */
  readonly wasMined: (hash: Hash, number: number) => boolean;
  /** Builds a block; it is canonical once `adopt` says so. */
  readonly build: (parent: Block, plan: BlockPlan) => Block;
  /** Makes a block's chain the canonical one; answers the blocks that are no longer on it, newest first. */
  readonly adopt: (tip: Block) => readonly Block[];
};

const outOfLuck = { ok: false, reason: "OutOfLuck" } as const;

/** The tree of blocks, each with the contracts' state after it: a branch's state is its own transactions', replayed. */
export function createModelChain(contracts: Contracts, genesisTime: number, baseFee: bigint | undefined): ModelChain {
  const blocks = new Map<Hash, Block>();
  const minedIn = new Map<Hash, Place[]>();
  const placesOf = (hash: Hash): readonly Place[] => minedIn.get(hash) ?? [];
  let canonical: Block[] = [];

  const build = (parent: Block | undefined, { time, baseFee: fee, transactions, doomed }: BlockPlan): Block => {
    const number = parent === undefined ? 0 : parent.number + 1;
    const hash = modelHash(0xb0, blocks.size);
    const state = transactions.length > 0 && parent ? copyState(parent.state) : (parent?.state ?? emptyState());
    const logs: RpcLog[] = [];
    const mined = transactions.flatMap((transaction): readonly Mined[] => {
      const { key, action } = transaction;
      const outcome = doomed?.has(transaction.hash) ? outOfLuck : applyAction(state, action, time);
      if (key) state.nonces.set(key.from, key.nonce + 1);
      if (!outcome.ok) return [{ transaction, succeeded: false, reason: outcome.reason }];
      for (const event of outcome.events)
        logs.push(toLog(contracts, event, { number, hash }, transaction, logs.length));
      return [{ transaction, succeeded: true, reason: "" }];
    });
    const block: Block = {
      number,
      hash,
      parent,
      time,
      baseFee: fee,
      mined,
      logs,
      state,
      wire: {
        number: quantity(number),
        hash,
        parentHash: parent?.hash ?? modelHash(0, 0),
        timestamp: quantity(time),
        logsBloom: bloomOf(logs),
        gasLimit: quantity(30_000_000),
        gasUsed: quantity(60_000 * mined.length),
        transactions: mined.map(({ transaction }) => transaction.hash),
        ...(fee === undefined ? {} : { baseFeePerGas: quantity(fee) }),
      },
    };
    blocks.set(hash, block);
    for (const each of mined) {
      const { hash: of } = each.transaction;
      minedIn.set(of, [...placesOf(of), { block, mined: each }]);
    }
    return block;
  };

  const at = (tip: Block, number: number): Block | undefined => {
    if (number > tip.number || number < 0) return undefined;
    let block: Block | undefined = tip;
    while (block && block.number > number && canonical[block.number] !== block) block = block.parent;
    return block && block.number > number ? canonical[number] : block;
  };

  const genesis = build(undefined, { time: genesisTime, baseFee, transactions: [] });
  canonical = [genesis];

  return {
    tip: () => canonical[canonical.length - 1] as Block,
    canonical: (number) => canonical[number],
    byHash: (hash) => blocks.get(hash),
    at,
    besides: (block) => [...blocks.values()].filter((each) => each.number === block.number && each !== block),
    find: (tip, hash) => placesOf(hash).find(({ block }) => at(tip, block.number) === block),
    placesOf,
    wasMined: (hash, number) => placesOf(hash).some(({ block }) => block.number === number),
    build,
    adopt: (tip) => {
      const branch: Block[] = [];
      let block: Block | undefined = tip;
      while (block && canonical[block.number] !== block) {
        branch.unshift(block);
        block = block.parent;
      }
      const left = canonical.slice((block?.number ?? -1) + 1).reverse();
      canonical = [...canonical.slice(0, (block?.number ?? -1) + 1), ...branch];
      return left;
    },
  };
}

type Contracts = Pick<Deployment, "nexus" | "terminal">;

function toLog(
  { nexus, terminal }: Contracts,
  { name, first, second, third = 0 }: ModelEvent,
  { number, hash }: { readonly number: number; readonly hash: Hash },
  transaction: ModelTransaction,
  index: number,
): RpcLog & Readonly<Record<string, unknown>> {
  const last = typeof second === "number" ? numberWord(second) : addressWord(second);
  const words: Hex = `0x${addressWord(first)}${last}`;
  const said =
    name === "AgentSet"
      ? { address: terminal, topics: [agentSetTopic], data: `${words}${numberWord(third)}` as const }
      : { address: nexus, topics: [eventTopics[name]], data: words };
  return {
    ...said,
    address: said.address.toLowerCase() as Hex,
    blockNumber: quantity(number),
    blockHash: hash,
    logIndex: quantity(index),
    transactionHash: transaction.hash,
    transactionIndex: "0x0",
    removed: false,
  };
}

/** What an account's transactions in the pool may do now, in nonce order, at this base fee. */
export function includable(pool: Mempool, state: ModelState, from: Hex, baseFee: bigint): readonly ModelTransaction[] {
  const found: ModelTransaction[] = [];
  let next = state.nonces.get(from) ?? 0;
  for (const transaction of pool.ofAccount(from)) {
    if (transaction.key?.nonce !== next || transaction.key.maxFee < baseFee) break;
    found.push(transaction);
    next++;
  }
  return found;
}
