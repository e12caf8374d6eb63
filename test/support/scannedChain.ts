import { expect } from "vitest";
import type { ChainPort, Head } from "../../src/chain/chainPort.ts";
import { createScanner, type Scanner, type ScanStep } from "../../src/chain/scanner.ts";
import { RetryableError } from "../../src/errors.ts";
import type { BlockRef } from "../../src/journal/journal.ts";
import type { SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import type { ChainEvent } from "../../src/protocol/events.ts";
import { address, hashOf, headAt } from "./fakeChain.ts";

type ScannedChain = Pick<ChainPort, "head" | "finalBlock" | "block" | "blocks" | "events" | "eventsOfBlocks">;

/** A chain of blocks with one event each; `branch` makes other blocks at the same heights. */
export function createModel(depth: bigint) {
  let blocks: Head[] = [headAt(0n)];
  let branch = 0n;
  const grow = (count: number) => {
    for (let index = 0; index < count; index++) {
      const parent = blocks.at(-1) as Head;
      const number = parent.number + 1n;
      blocks.push(headAt(number, { hash: hashOf(number * 1_000n + branch), parentHash: parent.hash }));
    }
  };
  const eventOf = (block: Head): ChainEvent => ({
    type: "TaskPublished",
    task: address<TaskAddress>(Number(BigInt(block.hash) % 1_000_000n)),
    source: address<SourceAddress>(1),
    at: { blockNumber: block.number, blockHash: block.hash, logIndex: 0 },
  });
  const head = () => blocks.at(-1) as Head;
  const asked: [bigint, bigint][] = [];
  const chain: { -readonly [Name in keyof ScannedChain]: ScannedChain[Name] } = {
    head: async () => head(),
    finalBlock: async ({ number }) => (number > depth ? number - depth : 0n),
    block: async (number) => blocks[Number(number)],
    blocks: async (from, to) => blocks.slice(Number(from), Number(to) + 1),
    events: async (from, to) => {
      asked.push([from, to]);
      const [first, last] = [blocks[Number(from)], blocks[Number(to)]];
      if (!first || !last) throw new RetryableError("behind", { code: "NODE_BEHIND" });
      const { parentHash } = first;
      return { events: blocks.slice(Number(from), Number(to) + 1).map(eventOf), parentHash, last };
    },
    eventsOfBlocks: async (some) => some.map(eventOf),
  };
  return {
    chain,
    asked,
    grow,
    head,
    reorg: (by: number, grown: number) => {
      branch++;
      blocks = blocks.slice(0, blocks.length - by);
      grow(grown);
    },
    shrink: (by: number) => {
      blocks = blocks.slice(0, blocks.length - by);
    },
    events: () => blocks.slice(1).map(eventOf),
  };
}

const genesis: BlockRef = { number: 0n, hash: hashOf(0) };
type State = Pick<ScanStep, "cursor" | "known">;
export const start: State = { cursor: genesis, known: [genesis] };

export const scannerOn = (model: ReturnType<typeof createModel>, maxBlockRange = 7, told: string[] = []) =>
  createScanner(model.chain, {
    maxBlockRange,
    rewind: 5,
    onDeepReorg: (_, to) => told.push(`deep reorg to ${to}`),
    onHeadBehind: (_, head) => told.push(`head behind at ${head}`),
  });

export function createReader(model: ReturnType<typeof createModel>, maxBlockRange = 7, from = start) {
  const told: string[] = [];
  return { told, ...createStore(scannerOn(model, maxBlockRange, told), from) };
}

/** Each once. */
const newestFirst = (numbers: readonly bigint[]) => [...new Set(numbers)].sort((a, b) => (a > b ? -1 : 1));

/** Applies steps as the journal does: what came above a rewind is void. */
function createStore(scanner: Scanner, from: State) {
  let state = from;
  let events: ChainEvent[] = [];
  const rewinds: bigint[] = [];
  const catchUp = async () => {
    let steps = 0;
    for (let step = await scanner.step(state); step !== undefined; step = await scanner.step(state)) {
      // One that comes no further would be taken for ever.
      expect(++steps).toBeLessThan(1_000);
      const { rewindTo } = step;
      if (rewindTo !== undefined) {
        rewinds.push(rewindTo);
        events = events.filter(({ at }) => at.blockNumber <= rewindTo);
      }
      events.push(...step.events);
      state = step;
      const numbers = state.known.map(({ number }) => number);
      expect(numbers).toEqual(newestFirst(numbers));
    }
    return state.cursor;
  };
  return { catchUp, events: () => events, rewinds };
}
