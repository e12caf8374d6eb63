import { beforeEach, describe, expect, it } from "vitest";
import { type AccountAddress, toNonce } from "../../../src/protocol/brand.ts";
import type { Report } from "../../../src/report.ts";
import { type Counts, createStrangers, type ForeignPending } from "../../../src/sink/strangers.ts";
import { address } from "../../support/fakeChain.ts";

const signer = address<AccountAddress>(0x51);
let reports: Report[];
beforeEach(() => {
  reports = [];
});
const strangers = (foreignPending: ForeignPending) =>
  createStrangers(signer, { foreignPending, report: (each) => void reports.push(each) });
const counts = (mined: number, highest: number | undefined, pending: number): Counts => ({
  mined: toNonce(mined),
  highest: highest === undefined ? undefined : toNonce(highest),
  pending: async () => toNonce(pending),
});

describe("transactions of the key that the journal does not know", () => {
  it("are waited for at the start, told of once, and forgotten when they are mined", async () => {
    const { next } = strangers("wait");
    const wait = { type: "wait", reason: expect.stringContaining("3 transactions") };
    expect(await next(counts(5, undefined, 8))).toMatchObject(wait);
    expect(await next(counts(5, undefined, 8))).toMatchObject(wait);
    expect(reports).toEqual([{ type: "stranger", signer, from: 5, to: 7, where: "pending" }]);
    expect(await next(counts(8, undefined, 8))).toEqual({ type: "nonce", nonce: 8 });
    expect(reports).toHaveLength(1);
  });

  it("are adopted where the operator says so: the nonces after theirs are taken", async () => {
    const { next } = strangers("adopt");
    expect(await next(counts(5, 6, 10))).toEqual({ type: "nonce", nonce: 10 });
    expect(reports).toEqual([{ type: "stranger", signer, from: 7, to: 9, where: "pending" }]);
    expect(await next(counts(5, 10, 12))).toEqual({ type: "nonce", nonce: 11 });
  });

  it("stay adopted while nothing was signed after them", async () => {
    const { next } = strangers("adopt");
    for (let times = 0; times < 3; times++) expect(await next(counts(5, 6, 10))).toEqual({ type: "nonce", nonce: 10 });
    expect(await next(counts(12, 6, 12))).toEqual({ type: "nonce", nonce: 12 });
    expect(await next(counts(12, 12, 12))).toEqual({ type: "nonce", nonce: 13 });
  });

  it("are none where the node holds only what the journal knows", async () => {
    expect(await strangers("wait").next(counts(5, 9, 10))).toEqual({ type: "nonce", nonce: 10 });
    expect(reports).toEqual([]);
  });

  it("are told of where they were mined above the journal's newest, and never twice", async () => {
    const { next } = strangers("wait");
    expect(await next(counts(12, 9, 12))).toEqual({ type: "nonce", nonce: 12 });
    expect(await next(counts(12, 9, 12))).toEqual({ type: "nonce", nonce: 12 });
    expect(reports).toEqual([{ type: "stranger", signer, from: 10, to: 11, where: "mined" }]);
  });

  it("are looked for in the pool at the start alone", async () => {
    const { next } = strangers("wait");
    await next(counts(0, undefined, 0));
    expect(await next(counts(0, 3, 9))).toEqual({ type: "nonce", nonce: 4 });
  });
});
