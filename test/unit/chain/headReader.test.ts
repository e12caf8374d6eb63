import { beforeEach, describe, expect, it } from "vitest";
import type { Head } from "../../../src/chain/chainPort.ts";
import { createHeadReader } from "../../../src/chain/headReader.ts";
import type { HttpRpc } from "../../../src/chain/jsonRpc.ts";
import { createNewestBlock, type NewestBlock } from "../../../src/chain/newestBlock.ts";
import { hashOf } from "../../support/fakeChain.ts";

const block = (number: number) => ({
  number: `0x${number.toString(16)}`,
  hash: hashOf(number),
  parentHash: hashOf(number - 1),
  timestamp: "0x65000000",
});

/** What the node tells of its head, and the highest block that it has. */
let node: { claims: number; has: number };
let now: number;
let newest: NewestBlock;
let reports: string[];
let head: () => Promise<Head>;
beforeEach(() => {
  node = { claims: 500, has: 500 };
  now = 0;
  reports = [];
  newest = createNewestBlock(() => now);
  const rpc: HttpRpc = {
    name: "node",
    call: async <T>() => block(node.claims) as T,
    batch: async (calls) =>
      calls.map(({ params }) => {
        const number = Number(params[0]);
        return { result: number <= node.has ? block(number) : null };
      }),
  };
  const report: Parameters<typeof createHeadReader>[0]["report"] = (each) => {
    if (each.type === "retry") reports.push((each.error as Error).message);
  };
  head = createHeadReader({ rpc, newest, report });
});
const number = async () => Number((await head()).number);
/** The daemon missed a block long enough to doubt what is told of heads. */
const doubt = () => {
  newest.missed(BigInt(node.claims));
  now += 10_000;
};

describe("a head that is doubted", () => {
  it("is the newest block that the node has, where it has not the one that it tells of, and that is told once", async () => {
    node.has = 450;
    expect(await number()).toBe(500);
    doubt();
    expect([await number(), await number()]).toEqual([436, 445]);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toContain("500");
  });

  it("is believed where the node shows it, and the next one that it has not is told of again", async () => {
    node.has = 450;
    doubt();
    await number();
    node.has = 500;
    expect(await number()).toBe(500);
    expect([newest.isDoubtful(), reports.length]).toEqual([false, 1]);
    node = { claims: 700, has: 500 };
    doubt();
    await number();
    expect(reports).toHaveLength(2);
  });

  it("is not lowered by the word of a node that hangs behind what was shown before", async () => {
    newest.found(500n);
    node = { claims: 600, has: 490 };
    newest.missed(600n);
    now += 10_000;
    expect(await number()).toBe(600);
    expect(newest.at()).toBe(600n);
    expect(reports).toEqual([]);
  });
});
