import type { Hash, Hex } from "../../src/protocol/brand.ts";
import { eventTopics, type RpcLog } from "../../src/protocol/events.ts";
import { type NodeAnswer, refusal } from "./modelAnswers.ts";
import type { Block } from "./modelChain.ts";
import type { NodeDeps, NodeOptions } from "./modelNode.ts";
import type { Prng } from "./prng.ts";

type LogFilter = {
  readonly address?: Hex | readonly Hex[];
  readonly topics?: readonly (Hex | readonly Hex[] | null)[];
  readonly fromBlock?: string;
  readonly toBlock?: string;
  readonly blockHash?: Hash;
};

/** What a node sees of the chain. */
export type Views = {
  readonly head: () => Block;
  readonly blockAt: (tag: unknown) => Block | undefined;
  readonly known: (hash: Hash) => Block | undefined;
};

const matches = (log: RpcLog, { address, topics }: LogFilter): boolean => {
  const addresses = address === undefined ? undefined : [address].flat().map((each) => each.toLowerCase());
  if (addresses && !addresses.includes(log.address)) return false;
  return (topics ?? []).every((topic, index) => topic === null || [topic].flat().includes(log.topics[index] as Hex));
};

/** The sink asks for these alone. What is withheld from it is no lie to the intake, which must find everything. */
const isOfConfirmations = ({ topics }: LogFilter): boolean =>
  [topics?.[0] ?? []].flat().join() === eventTopics.ResponseStatusChanged;

/** `eth_getLogs`, with what a node behind a balancer does to it. */
export function createLogAnswers(
  { chain, prng, faults, onLie, isHidden }: NodeDeps,
  { logLimit }: NodeOptions,
  { head, blockAt, known }: Views,
): (filter: LogFilter) => NodeAnswer {
  const readBlock = (block: Block, filter: LogFilter, isNewest: boolean): readonly RpcLog[] => {
    const logs = block.logs.filter((log) => matches(log, filter) && !isHidden(log));
    if (logs.length === 0) return logs;
    if (isOfConfirmations(filter)) {
      return faults.strikes("some confirmations' logs withheld") ? logs.filter(() => prng.chance(0.5)) : logs;
    }
    if (isNewest && faults.strikes("newest logs withheld")) {
      onLie(block);
      return [];
    }
    if (faults.strikes("some logs withheld")) {
      onLie(block);
      return logs.filter(() => prng.chance(0.5));
    }
    return logs;
  };
  return (filter) => {
    const blocks: Block[] = [];
    if (filter.blockHash !== undefined) {
      const block = known(filter.blockHash);
      if (block === undefined) return refusal("unknown block");
      blocks.push(block);
    } else {
      const from = Number(
        filter.fromBlock === undefined ? head().number : (blockAt(filter.fromBlock)?.number ?? filter.fromBlock),
      );
      const to = Math.min(head().number, blockAt(filter.toBlock)?.number ?? head().number);
      if (from > head().number + 1_000) return refusal("invalid block range params");
      for (let number = from; number <= to; number++) {
        const block = chain.at(head(), number);
        if (block) blocks.push(block);
      }
    }
    if (isOfConfirmations(filter)) {
      if (faults.strikes("confirmations' logs refused")) return refusal("query timeout exceeded");
      if (faults.strikes("confirmations' logs withheld")) return { result: [] };
      if (faults.strikes("confirmations' logs of a branch that is gone")) {
        blocks.splice(0, blocks.length, ...blocks.map((block) => prng.pick([block, ...chain.besides(block)])));
      }
    }
    const all = blocks.flatMap((block) => readBlock(block, filter, block.number >= head().number - 1));
    if (blocks.length > 1 && all.length > logLimit) {
      return refusal(`query returned more than ${logLimit} results`, -32005);
    }
    if (all.length > 0 && !isOfConfirmations(filter) && faults.strikes("logs withheld")) {
      for (const block of blocks) if (block.logs.length > 0) onLie(block);
      return { result: [] };
    }
    if (all.length > 1 && faults.strikes("logs shuffled")) return { result: shuffle(all, prng) };
    return { result: all };
  };
}

function shuffle<T>(items: readonly T[], prng: Prng): readonly T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = prng.between(0, i);
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled;
}
