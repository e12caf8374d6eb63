import { beforeEach, describe, expect, it } from "vitest";
import { FatalError } from "../../../src/errors.ts";
import { type AccountAddress, toNonce } from "../../../src/protocol/brand.ts";
import type { Report } from "../../../src/report.ts";
import { type Counts, createStrangers, type ForeignPending } from "../../../src/sink/strangers.ts";
import { address } from "../../support/fakeChain.ts";

const signer = address<AccountAddress>(0x51);
let reports: Report[];
let time: number;
beforeEach(() => {
  reports = [];
  time = 0;
});
const strangers = (foreignPending: ForeignPending) =>
  createStrangers(signer, {
    ...{ foreignPending, report: (each: Report) => void reports.push(each), now: () => time },
  });
/** @param second What the second look says. @default the same as the first, at a block that is always the same */
const counts = (
  mined: number,
  highest: number | undefined,
  pending: number | undefined,
  second: { readonly mined?: number; readonly block?: bigint } = {},
): Counts => ({
  mined: toNonce(mined),
  highest: highest === undefined ? undefined : toNonce(highest),
  again: async () => ({ mined: toNonce(second.mined ?? mined), block: second.block ?? 100n }),
  pending: async () => (pending === undefined ? undefined : toNonce(pending)),
});
const nonce = (value: number) => ({ type: "nonce", nonce: value });
const wait = (reason: string) => ({ type: "wait", reason: expect.stringContaining(reason) });

describe("transactions of the key that the journal does not know", () => {
  it("are waited for at the start, told of once, and forgotten when they are mined", async () => {
    const { next } = strangers("wait");
    expect(await next(counts(5, undefined, 8))).toMatchObject(wait("3 transactions"));
    expect(await next(counts(5, undefined, 8))).toMatchObject(wait("3 transactions"));
    expect(reports).toEqual([{ type: "stranger", signer, from: 5, to: 7, where: "pending" }]);
    expect(await next(counts(8, undefined, 8))).toEqual(nonce(8));
    expect(reports).toHaveLength(1);
  });

  it("are adopted where the operator says so: the nonces after theirs are taken", async () => {
    const { next } = strangers("adopt");
    expect(await next(counts(5, 6, 10))).toEqual(nonce(10));
    expect(reports).toEqual([{ type: "stranger", signer, from: 7, to: 9, where: "pending" }]);
    expect(await next(counts(5, 10, 12))).toEqual(nonce(11));
  });

  it("stay adopted while nothing was signed after them", async () => {
    const { next } = strangers("adopt");
    for (let times = 0; times < 3; times++) expect(await next(counts(5, 6, 10))).toEqual(nonce(10));
    expect(await next(counts(10, 6, 10))).toEqual(nonce(10));
    expect(await next(counts(10, 10, 10))).toEqual(nonce(11));
  });

  it("are no reason to go on where another endpoint is of another chain, however often it is asked", async () => {
    const { next } = strangers("wait");
    const fatal = new FatalError("another chain", { code: "CHAIN_MISMATCH" });
    for (let times = 0; times < 4; times++) {
      await expect(next({ ...counts(9, 4, 9), again: () => Promise.reject(fatal) })).rejects.toBe(fatal);
    }
  });

  it("are none where a node that lags counts fewer with those that wait than are mined, of a key that the journal knows", async () => {
    expect(await strangers("wait").next(counts(5, 4, 3))).toEqual(nonce(5));
    expect(reports).toEqual([]);
  });

  it("are none where the node holds only what the journal knows, or does not tell", async () => {
    expect(await strangers("wait").next(counts(5, 9, 10))).toEqual(nonce(10));
    expect(await strangers("wait").next(counts(5, 9, undefined))).toEqual(nonce(10));
    expect(reports).toEqual([]);
  });

  it("are told of where they were mined above the journal's newest, and never twice", async () => {
    const { next } = strangers("wait");
    await next(counts(12, 9, 12));
    for (let times = 0; times < 2; times++) expect(await next(counts(12, 9, 12, { block: 101n }))).toEqual(nonce(12));
    expect(reports).toEqual([{ type: "stranger", signer, from: 10, to: 11, where: "mined" }]);
  });

  it("are looked for in the pool at the start alone", async () => {
    const { next } = strangers("wait");
    await next(counts(0, undefined, 0));
    expect(await next(counts(0, 3, 9))).toEqual(nonce(4));
  });
});

describe("a count that the journal does not explain", () => {
  it("is believed when a second look bears it out at a later block, and not before", async () => {
    const { next } = strangers("wait");
    for (let times = 0; times < 3; times++)
      expect(await next(counts(12, 9, 12))).toMatchObject(wait("12 transactions"));
    expect(reports).toEqual([]);
    expect(await next(counts(12, 9, 12, { block: 101n }))).toEqual(nonce(12));
    // What is believed is not asked for again, and what comes on top of it is.
    expect(await next({ ...counts(12, 9, 12), again: async () => expect.unreachable() })).toEqual(nonce(12));
    expect(await next(counts(13, 9, 13, { block: 102n }))).toMatchObject(wait("13 transactions"));
  });

  it("is believed after a minute where no later block comes", async () => {
    const { next } = strangers("wait");
    expect(await next(counts(12, 9, 12))).toMatchObject(wait("12 transactions"));
    time = 59_999;
    expect(await next(counts(12, 9, 12))).toMatchObject(wait("12 transactions"));
    time = 60_000;
    expect(await next(counts(12, 9, 12))).toEqual(nonce(12));
  });

  it("is believed a minute after the clock was set back, where no later block comes", async () => {
    const { next } = strangers("wait");
    for (const at of [3_600_000, 0, 59_999]) {
      time = at;
      expect(await next(counts(12, 9, 12))).toMatchObject(wait("12 transactions"));
    }
    time = 60_000;
    expect(await next(counts(12, 9, 12))).toEqual(nonce(12));
  });

  it("is looked at again where it came from when another endpoint does not answer three times, and says so each time", async () => {
    const { next } = strangers("wait");
    const asked: string[] = [];
    const alone = (block: bigint): Counts => ({
      ...counts(12, 9, 12),
      again: async (where) => {
        asked.push(where);
        if (where === "elsewhere") throw new Error("it is away");
        return { mined: toNonce(12), block };
      },
    });
    for (const block of [100n, 101n, 102n]) expect(await next(alone(block))).toMatchObject(wait("12 transactions"));
    expect(await next(alone(103n))).toEqual(nonce(12));
    expect(asked).toEqual(["elsewhere", "elsewhere", "elsewhere", "here", "elsewhere", "here"]);
    const what = "another endpoint's count of the key's transactions";
    expect(reports.filter(({ type }) => type === "retry")).toEqual(
      Array(4).fill({ type: "retry", what, error: new Error("it is away"), inMs: 0 }),
    );
  });

  it("begins to count anew how often another endpoint does not answer, when the doubt is over", async () => {
    const { next } = strangers("wait");
    const alone = (block: bigint): Counts => ({
      ...counts(12, 9, 12),
      again: async (where) => {
        if (where === "elsewhere") throw new Error("it is away");
        return { mined: toNonce(12), block };
      },
    });
    for (const block of [100n, 101n]) expect(await next(alone(block))).toMatchObject(wait("12 transactions"));
    expect(await next(counts(10, 9, 10))).toEqual(nonce(10));
    for (const block of [103n, 104n]) expect(await next(alone(block))).toMatchObject(wait("12 transactions"));
  });

  it("is forgotten where it was one wrong answer", async () => {
    const { next } = strangers("wait");
    expect(await next(counts(1_000_000, 9, 10, { mined: 10 }))).toMatchObject(wait("1000000 transactions"));
    expect(await next(counts(10, 9, 10))).toEqual(nonce(10));
    expect(await next(counts(1_000_000, 9, 10, { mined: 10, block: 101n }))).toMatchObject(wait("1000000"));
    expect(reports).toEqual([]);
  });

  it("leads to the lower one where an endpoint goes on saying it and another one does not", async () => {
    const { next } = strangers("wait");
    await next(counts(1_000_000, 9, 10, { mined: 10 }));
    for (const block of [101n, 102n]) {
      expect(await next(counts(1_000_000, 9, 10, { mined: 10, block }))).toEqual(nonce(10));
    }
    expect(await next(counts(1_000_000, 10, 11, { mined: 13, block: 103n }))).toEqual(nonce(13));
    expect(reports).toEqual([{ type: "stranger", signer, from: 11, to: 12, where: "mined" }]);
  });

  it("is the lower of two at once where the key is new to the journal; and it waits where the pool knows of fewer", async () => {
    expect(await strangers("wait").next(counts(700, undefined, 700))).toEqual(nonce(700));
    expect(await strangers("wait").next(counts(1_000_000, undefined, 5, { mined: 5 }))).toEqual(nonce(5));
    const { next } = strangers("adopt");
    expect(await next(counts(1_000_000, undefined, 5))).toMatchObject(wait("nodes disagree"));
    expect(await next(counts(5, undefined, 5))).toEqual(nonce(5));
  });
});
