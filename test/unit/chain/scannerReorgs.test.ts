import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Head } from "../../../src/chain/chainPort.ts";
import { createModel, createReader } from "../../support/scannedChain.ts";

describe("the scanner, after a reorg", () => {
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

  it("takes no range that does not follow its checkpoint, which a node that stands still shows though it was taken back", async () => {
    const model = createModel(3n);
    model.grow(20);
    const reader = createReader(model);
    await reader.catchUp();
    const stuck = await model.chain.blocks(0n, 20n);
    model.reorg(2, 12);
    const { block } = model.chain;
    model.chain.block = async (number) => stuck[Number(number)];
    await expect(reader.catchUp()).rejects.toThrow("block 21 does not follow the checkpoint's");
    model.chain.block = block;
    await reader.catchUp();
    expect(reader.rewinds).toEqual([18n]);
    expect(reader.events()).toEqual(model.events());
  });

  it("takes no range that it asked for ahead and that does not follow the one before it", async () => {
    const model = createModel(3n);
    model.grow(20);
    const stuck = await model.chain.blocks(0n, 20n);
    const { block, events } = model.chain;
    model.chain.events = (from, to) => {
      model.chain.events = events;
      const answer = events(from, to);
      model.reorg(15, 25);
      return answer;
    };
    model.chain.block = async (number) => stuck[Number(number)];
    const reader = createReader(model);
    await expect(reader.catchUp()).rejects.toThrow("block 8 does not follow the checkpoint's");
    expect(model.asked).toEqual([
      [1n, 7n],
      [8n, 14n],
      [15n, 21n],
    ]);
    model.chain.block = block;
    await reader.catchUp();
    expect(reader.events()).toEqual(model.events());
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
