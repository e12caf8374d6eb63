import { describe, expect, it } from "vitest";
import type { Head } from "../../../src/chain/chainPort.ts";
import { asksForLess } from "../../../src/chain/rangeWidth.ts";
import type { ScanStep } from "../../../src/chain/scanner.ts";
import { RetryableError } from "../../../src/errors.ts";
import { hashOf, headAt } from "../../support/fakeChain.ts";
import { createModel, createReader, scannerOn, start } from "../../support/scannedChain.ts";

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

  it("waits where the head is so far behind that its block is not known any more: that is no reorg", async () => {
    const model = createModel(10n);
    model.grow(30);
    const [lower, cursor] = (await model.chain.blocks(20n, 30n)).filter((_, at) => at % 10 === 0) as [Head, Head];
    model.shrink(6);
    const told: string[] = [];
    expect(await scannerOn(model, 7, told).step({ cursor, known: [cursor, lower] })).toBeUndefined();
    expect(told).toEqual(["head behind at 24"]);
  });

  it("waits where the node that answers does not have the checkpoint's block, though it has those below", async () => {
    const model = createModel(10n);
    model.grow(30);
    const reader = createReader(model);
    await reader.catchUp();
    model.grow(3);
    const { block } = model.chain;
    model.chain.block = async (number) => (number < 29n ? block(number) : undefined);
    expect((await reader.catchUp()).number).toBe(30n);
    expect(reader.rewinds).toEqual([]);
    model.chain.block = block;
    expect((await reader.catchUp()).number).toBe(33n);
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
    const widths = model.asked.map(([from, to]) => Number(to - from) + 1);
    expect(widths.slice(0, 6)).toEqual([8, 8, 5, 5, 6, 7]);
  });

  it("asks for half of what was too much, also where that was less than its range", async () => {
    const model = createModel(0n);
    model.grow(8);
    const widths: bigint[] = [];
    const { events } = model.chain;
    model.chain.events = async (from, to) => {
      widths.push(to - from + 1n);
      if (to - from + 1n > 4n) throw new Error("query timeout exceeded");
      return events(from, to);
    };
    expect((await createReader(model, 64).catchUp()).number).toBe(8n);
    expect(widths).toEqual([8n, 4n, 4n]);
  });

  it("comes on block by block where a node gives no more than one at once", async () => {
    const model = createModel(0n);
    model.grow(4);
    const { events } = model.chain;
    model.chain.events = async (from, to) => {
      if (to > from) throw new Error("block range is too wide");
      return events(from, to);
    };
    expect((await createReader(model, 64).catchUp()).number).toBe(4n);
  });

  it("asks no narrower where an error does not ask for less", async () => {
    const model = createModel(0n);
    model.grow(64);
    const widths: bigint[] = [];
    model.chain.events = async (from, to) => {
      widths.push(to - from + 1n);
      throw new Error("connection refused");
    };
    await expect(createReader(model, 64).catchUp()).rejects.toThrow("connection refused");
    expect(widths).toEqual([64n]);
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
});

it.each([
  ["query returned more than 10000 results", true],
  ["Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range", true],
  ["block range is too wide", true],
  ["Request Entity Too Large", true],
  ["exceed maximum block range: 5000", true],
  ["eth_getLogs is limited to a 10,000 range", true],
  ["query timeout exceeded", true],
  ["requested too many blocks from 1 to 100000, maximum is set to 2048", true],
  ["unknown block", false],
  ["method not found", false],
])("%j asks for a narrower range: %s", (message, expected) => {
  expect(asksForLess(message)).toBe(expected);
});
