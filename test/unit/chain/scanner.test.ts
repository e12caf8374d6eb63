import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChainPort, Head } from "../../../src/chain/chainPort.ts";
import { asksForLess } from "../../../src/chain/rangeWidth.ts";
import { createScanner, type Scanner, type ScanStep } from "../../../src/chain/scanner.ts";
import { RetryableError } from "../../../src/errors.ts";
import type { BlockRef } from "../../../src/journal/journal.ts";
import type { SourceAddress, TaskAddress } from "../../../src/protocol/brand.ts";
import type { ChainEvent } from "../../../src/protocol/events.ts";
import { address, hashOf, headAt } from "../../support/fakeChain.ts";

type ScannedChain = Pick<ChainPort, "head" | "finalBlock" | "block" | "blocks" | "events" | "eventsOfBlocks">;

/** A chain of blocks with one event each; `branch` makes other blocks at the same heights. */
function createModel(depth: bigint) {
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
      const last = blocks[Number(to)];
      if (!last) throw new RetryableError("behind", { code: "NODE_BEHIND" });
      return { events: blocks.slice(Number(from), Number(to) + 1).map(eventOf), last };
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
const start: State = { cursor: genesis, known: [genesis] };

const scannerOn = (model: ReturnType<typeof createModel>, maxBlockRange = 7, told: string[] = []) =>
  createScanner(model.chain, {
    maxBlockRange,
    rewind: 5,
    onDeepReorg: (_, to) => told.push(`deep reorg to ${to}`),
    onHeadBehind: (_, head) => told.push(`head behind at ${head}`),
  });

function createReader(model: ReturnType<typeof createModel>, maxBlockRange = 7, from = start) {
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
    for (let step = await scanner.step(state); step !== undefined; step = await scanner.step(state)) {
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

describe("the scanner", () => {
  it("reads every block once, final ones by range and the others by hash", async () => {
    const model = createModel(10n);
    model.grow(50);
    const reader = createReader(model);
    expect((await reader.catchUp()).number).toBe(50n);
    expect(reader.events()).toEqual(model.events());
    expect(model.asked.at(-1)?.[1]).toBe(40n);
    expect(model.asked.map(([from, to]) => to - from + 1n).every((width) => width >= 1n && width <= 7n)).toBe(true);
    for (const grown of [3, 1]) {
      model.grow(grown);
      await reader.catchUp();
      expect(reader.events()).toEqual(model.events());
    }
  });

  it("asks for the next range while one is read, for no range twice, and for no more than one ahead", async () => {
    const model = createModel(10n);
    model.grow(60);
    const { events } = model.chain;
    let [open, most] = [0, 0];
    model.chain.events = async (from, to) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return events(from, to);
    };
    const reader = createReader(model);
    await reader.catchUp();
    expect(reader.events()).toEqual(model.events());
    expect(most).toBe(2);
    expect(new Set(model.asked.map(([from]) => from)).size).toBe(model.asked.length);
  });

  it("uses what it asked for ahead in the very next step alone: a step that fails in between forgets it", async () => {
    const model = createModel(10n);
    model.grow(60);
    const scanner = scannerOn(model);
    const first = (await scanner.step(start)) as ScanStep;
    const { head } = model.chain;
    model.chain.head = () => Promise.reject(new RetryableError("down", { code: "DOWN" }));
    await expect(scanner.step(first)).rejects.toThrow("down");
    model.chain.head = head;
    const asked = model.asked.length;
    await scanner.step(first);
    expect(model.asked.slice(asked)).toEqual([
      [8n, 14n],
      [15n, 21n],
    ]);
  });

  it("reads anew what the journal did not take, whatever it asked for ahead", async () => {
    const model = createModel(10n);
    model.grow(60);
    const scanner = scannerOn(model);
    const first = (await scanner.step(start)) as ScanStep;
    expect(await scanner.step(start)).toEqual(first);
  });

  it("reads by range no block that is not final any more, though it asked for it ahead", async () => {
    const model = createModel(10n);
    model.grow(60);
    const scanner = scannerOn(model);
    const first = (await scanner.step(start)) as ScanStep;
    expect(model.asked.at(-1)).toEqual([8n, 14n]);
    model.chain.finalBlock = async () => 10n;
    expect((await scanner.step(first))?.cursor.number).toBe(10n);
  });

  it("finds the newest block that both branches share, and reads the new branch", async () => {
    const model = createModel(10n);
    model.grow(30);
    const reader = createReader(model);
    await reader.catchUp();
    model.reorg(6, 8);
    await reader.catchUp();
    expect(reader.rewinds).toEqual([24n]);
    expect(reader.events()).toEqual(model.events());
  });

  it("follows a reorg to a shorter branch as soon as it sees it", async () => {
    const model = createModel(10n);
    model.grow(30);
    const reader = createReader(model);
    await reader.catchUp();
    model.reorg(6, 2);
    expect((await reader.catchUp()).number).toBe(26n);
    expect(reader.events()).toEqual(model.events());
  });

  it("waits when the node's head is only behind", async () => {
    const model = createModel(10n);
    model.grow(30);
    const reader = createReader(model);
    await reader.catchUp();
    model.shrink(4);
    expect((await reader.catchUp()).number).toBe(30n);
    expect(reader.told).toEqual(["head behind at 26"]);
    expect(reader.rewinds).toEqual([]);
  });

  it("goes back further, and says so, when a reorg reaches below finality", async () => {
    const model = createModel(3n);
    model.grow(30);
    const reader = createReader(model);
    await reader.catchUp();
    model.reorg(5, 9);
    await reader.catchUp();
    expect(reader.told[0]).toMatch(/^deep reorg to/);
    expect(reader.events()).toEqual(model.events());
  });

  it("goes back to a block that both branches share, however far below finality that is, and not much further", async () => {
    for (const deep of [6, 40, 150, 290]) {
      const model = createModel(3n);
      const reader = createReader(model);
      for (let grown = 0; grown < 300; grown += 10) {
        model.grow(10);
        await reader.catchUp();
      }
      model.reorg(deep, deep + 5);
      await reader.catchUp();
      expect(reader.events()).toEqual(model.events());
      expect(reader.told).toEqual([`deep reorg to ${reader.rewinds[0]}`]);
      expect(300 - Number(reader.rewinds[0])).toBeLessThan(8 * deep);
    }
  });

  it.each([
    [20n, 15n],
    [3n, 0n],
  ])("goes back below block %s, the first that it ever read, where a reorg took that too", async (first, to) => {
    const model = createModel(3n);
    model.grow(40);
    const { number, hash } = (await model.chain.block(first)) as Head;
    const reader = createReader(model, 7, { cursor: { number, hash }, known: [{ number, hash }] });
    await reader.catchUp();
    model.reorg(40 - Number(to), 45);
    await reader.catchUp();
    expect([reader.rewinds, reader.told]).toEqual([[to], [`deep reorg to ${to}`]]);
    expect(reader.events()).toEqual(model.events().slice(Number(to)));
  });

  it("takes no block that is not the child of the one before, as two nodes behind one address answer", async () => {
    const model = createModel(10n);
    model.grow(30);
    const reader = createReader(model);
    await reader.catchUp();
    model.grow(6);
    const { blocks } = model.chain;
    const stranger = headAt(33n, { hash: hashOf(33_999), parentHash: hashOf(32_999) });
    model.chain.blocks = async (from, to) =>
      (await blocks(from, to)).map((block) => (block?.number === 33n ? stranger : block));
    expect((await reader.catchUp()).number).toBe(32n);
    model.chain.blocks = blocks;
    await reader.catchUp();
    expect(reader.events()).toEqual(model.events());
  });

  it("waits where the node that answers does not have the checkpoint's block", async () => {
    const model = createModel(10n);
    model.grow(30);
    const reader = createReader(model);
    await reader.catchUp();
    model.grow(3);
    const { block } = model.chain;
    model.chain.block = async () => undefined;
    expect((await reader.catchUp()).number).toBe(30n);
    model.chain.block = block;
    expect((await reader.catchUp()).number).toBe(33n);
  });

  it("calls a reorg deep by the blocks that it took, not by those that came since", async () => {
    const model = createModel(3n);
    model.grow(30);
    const reader = createReader(model);
    await reader.catchUp();
    model.reorg(3, 500);
    await reader.catchUp();
    expect([reader.rewinds, reader.told]).toEqual([[27n], []]);
    expect(reader.events()).toEqual(model.events());
  });

  it("halves its range when the node asks for less, and grows it again", async () => {
    const model = createModel(0n);
    model.grow(200);
    const { events } = model.chain;
    model.chain.events = async (from, to) => {
      if (to - from + 1n > 9n) throw new Error("query returned more than 10000 results");
      return events(from, to);
    };
    const reader = createReader(model, 64);
    expect((await reader.catchUp()).number).toBe(200n);
    expect(reader.events()).toEqual(model.events());
    expect(Math.max(...model.asked.map(([from, to]) => Number(to - from) + 1))).toBeGreaterThan(5);
  });

  it("stops loudly at a single block that the node refuses, and does not pass it", async () => {
    const model = createModel(0n);
    model.grow(20);
    const { events } = model.chain;
    model.chain.events = async (from, to) => {
      if (from <= 10n && to >= 10n) throw new Error("response size exceeded");
      return events(from, to);
    };
    const reader = createReader(model);
    await expect(reader.catchUp()).rejects.toThrow(/the single block 10/);
    expect(reader.events().at(-1)?.at.blockNumber).toBe(9n);
  });

  it("ends with the chain's own events after any growth and any reorgs, above finality and below", async () => {
    const deed = fc.oneof(
      fc.record({ grow: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ reorg: fc.integer({ min: 1, max: 200 }), grown: fc.integer({ min: 0, max: 12 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { maxLength: 12 }), async (deeds) => {
        const model = createModel(10n);
        model.grow(20);
        const reader = createReader(model);
        let highest = 0;
        for (const each of deeds) {
          await reader.catchUp();
          const number = Number(model.head().number);
          highest = Math.max(highest, number);
          if ("grow" in each) model.grow(each.grow);
          else model.reorg(Math.min(each.reorg, number), each.grown);
        }
        // A shorter branch is a node that hangs behind, as long as it is shorter.
        model.grow(highest + 12);
        await reader.catchUp();
        expect(reader.events()).toEqual(model.events());
      }),
      { numRuns: 60 },
    );
  });
});

it.each([
  ["query returned more than 10000 results", true],
  ["Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range", true],
  ["block range is too wide", true],
  ["exceed maximum block range: 5000", true],
  ["eth_getLogs is limited to a 10,000 range", true],
  ["query timeout exceeded", true],
  ["requested too many blocks from 1 to 100000, maximum is set to 2048", true],
  ["unknown block", false],
  ["method not found", false],
])("%j asks for a narrower range: %s", (message, expected) => {
  expect(asksForLess(message)).toBe(expected);
});
