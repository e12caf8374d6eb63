import { afterEach, beforeEach, expect, it } from "vitest";
import type { Confirmation, Journal } from "../../../src/journal/journal.ts";
import type { GasSpent } from "../../../src/journal/sinkJournal.ts";
import { type ResponseAddress, type TaskAddress, toNonce, wei } from "../../../src/protocol/brand.ts";
import { address, hashOf } from "../../support/fakeChain.ts";
import { intend as intendIn } from "../../support/intend.ts";
import { describeJournals, type JournalPlace } from "../../support/journals.ts";
import { signerOfKey } from "../../support/sinkBench.ts";

const [{ address: one }, { address: other }] = [signerOfKey("1"), signerOfKey("2")];
const all = { since: 0, after: undefined, limit: 100 };
const dayMs = 24 * 3_600_000;

describeJournals("the sink's journal", (journals) => {
  let place: JournalPlace;
  let journal: Journal;
  let hashes = 0;
  beforeEach(async () => {
    place = await journals.place();
    journal = await place.open();
  });
  afterEach(async () => {
    await journal.close();
    await place.remove();
  });

  const intend = (at: number): Promise<Confirmation> => {
    const [task, response] = [address<TaskAddress>(0x100 + at), address<ResponseAddress>(0x200 + at)];
    return intendIn(journal, { task, response, payment: BigInt(10 + at) });
  };
  const sign = ({ id }: Confirmation, nonce: number, maxCost: bigint, signedAt = 7) =>
    journal.recordAttempt(id, one, {
      ...{ kind: "confirm", hash: hashOf(++hashes), raw: "0x02", nonce: toNonce(nonce), signedAt },
      maxCost: wei(maxCost),
    });
  const fill = (signer: typeof one, nonce: number, cost: bigint, signedAt = 7) =>
    journal.recordFiller(signer, { hash: hashOf(++hashes), raw: "0x02", nonce: toNonce(nonce), signedAt }, wei(cost));
  const gas = async () =>
    (await journal.gasSpent(all)).map(({ signer, nonce, cost, isSettled }) => [signer, nonce, cost, isSettled]);

  it("tells gas by key and nonce: neither another key's nonce nor the key's next one costs what it did", async () => {
    const paid = await intend(0);
    await sign(paid, 0, 100n);
    await fill(other, 0, 50n);
    await fill(one, 1, 60n);
    const gasPaid = { signer: one, nonce: toNonce(0), cost: wei(7n) };
    await journal.changeConfirmation(paid.id, { state: "final", gasPaid });
    expect(await gas()).toEqual(
      expect.arrayContaining([
        [one, 0, 7n, true],
        [other, 0, 50n, false],
        [one, 1, 60n, false],
      ]),
    );
    expect(await gas()).toHaveLength(3);
  });

  it("tells of gas the most that was ever offered within a day, by its number and not by its letters", async () => {
    const paid = await intend(0);
    for (const [cost, signedAt, counted] of [
      [9n, 7, 9n],
      [10n, 8, 10n],
      [9n, 9, 10n],
      [11n, 10, 11n],
      [11n, 11, 11n],
      [2n, 10 + dayMs, 2n],
    ] as const) {
      await sign(paid, 0, cost, signedAt);
      expect(await gas()).toEqual([[one, 0, counted, false]]);
    }
  });

  it("tells gas page by page, also where all was signed at the same time", async () => {
    for (const signer of [one, other]) for (const nonce of [0, 1, 2]) await fill(signer, nonce, 5n);
    const whole = await journal.gasSpent(all);
    const pages: GasSpent[] = [];
    for (let after: GasSpent | undefined; pages.length < 7; after = pages.at(-1)) {
      const page = await journal.gasSpent({ since: 7, after, limit: 1 });
      if (page.length === 0) break;
      pages.push(...page);
    }
    expect(pages).toEqual(whole);
    expect(whole).toHaveLength(6);
    expect(await journal.gasSpent({ ...all, since: 8 })).toEqual([]);
  });

  it("tells of money what is signed or final, and neither an intent nor what is cancelled", async () => {
    const [signed, final, cancelled] = [await intend(0), await intend(1), await intend(2)];
    await intend(3);
    for (const [nonce, each] of [signed, final, cancelled].entries()) await sign(each, nonce, 1n, 7);
    await journal.changeConfirmation(final.id, { state: "final" });
    await journal.changeConfirmation(cancelled.id, { state: "cancelled" });
    const spent = await journal.moneySpent({ ...all, since: 7 });
    expect(spent.map(({ confirmationId, payment, isSettled }) => [confirmationId, payment, isSettled])).toEqual([
      [signed.id, 10n, false],
      [final.id, 11n, true],
    ]);
    const [first] = await journal.moneySpent({ ...all, limit: 1 });
    expect(await journal.moneySpent({ ...all, after: first })).toEqual(spent.slice(1));
    expect(await journal.moneySpent({ ...all, since: 8 })).toEqual([]);
  });

  it("tells money in the order of its signatures", async () => {
    const [late, early] = [await intend(0), await intend(1)];
    await sign(late, 0, 1n, 9);
    await sign(early, 1, 1n, 8);
    const spent = await journal.moneySpent(all);
    expect(spent.map(({ confirmationId }) => confirmationId)).toEqual([early.id, late.id]);
    expect(await journal.moneySpent({ ...all, after: spent[0] })).toEqual(spent.slice(1));
    expect(await journal.moneySpent({ ...all, after: spent[1] })).toEqual([]);
  });

  it("tells final payments newest first, below a number", async () => {
    const made = [await intend(0), await intend(1), await intend(2), await intend(3)];
    for (const [nonce, each] of made.entries()) await sign(each, nonce, 1n, 7 + nonce);
    for (const { id } of made.slice(0, 3)) await journal.changeConfirmation(id, { state: "final" });
    const ids = async (below: number, limit: number) => (await journal.payments(below, limit)).map(({ id }) => id);
    const [first, second, third] = made.map(({ id }) => id) as [number, number, number];
    expect(await ids(Number.MAX_SAFE_INTEGER, 9)).toEqual([third, second, first]);
    expect(await ids(Number.MAX_SAFE_INTEGER, 2)).toEqual([third, second]);
    expect(await ids(third, 9)).toEqual([second, first]);
    expect(await journal.payments(second, 9)).toEqual([{ id: first, at: 7, payment: 10n, offered: undefined }]);
  });

  it("tells the fillers of one key, from a nonce on, by nonce and then by time", async () => {
    const fillers = [
      [one, 2, 5],
      [one, 1, 9],
      [one, 1, 8],
      [one, 0, 4],
      [other, 1, 3],
    ] as const;
    for (const [index, [signer, nonce, signedAt]] of fillers.entries()) {
      await journal.recordFiller(
        signer,
        { hash: hashOf(index), raw: "0x02", nonce: toNonce(nonce), signedAt },
        wei(1n),
      );
    }
    const found = await journal.fillers(one, toNonce(1));
    expect(found.map(({ nonce, signedAt }) => [nonce, signedAt])).toEqual([
      [1, 8],
      [1, 9],
      [2, 5],
    ]);
  });

  it("counts how a confirmation ended once, though it is stored once more where nobody heard that it was", async () => {
    const counts: number[] = [];
    const pauseAt = (reverts: number) => {
      counts.push(reverts);
      return undefined;
    };
    const change = { state: "dead", outcome: { reverted: true, pauseAt } } as const;
    for (const [nonce, each] of [await intend(0), await intend(1)].entries()) {
      await sign(each, nonce, 1n);
      for (let time = 0; time < 2; time++) await journal.changeConfirmation(each.id, change);
    }
    expect(counts).toEqual([1, 2]);
  });

  it("tells the newest pause until it is ended, and remembers all", async () => {
    const told = (why: string, at: number) => ({ by: "operator", who: "ann", why, at }) as const;
    expect(await journal.endPause({ who: "ann", why: "nothing to end", at: 1 })).toBe(false);
    expect(await journal.pauseHistory(9)).toEqual([]);
    await journal.setPause(told("first", 2));
    await journal.setPause(told("second", 3));
    expect(await journal.pause()).toEqual(told("second", 3));
    expect(await journal.endPause({ who: "bob", why: "over", at: 4 })).toBe(true);
    expect(await journal.pause()).toBeUndefined();
    await journal.setPause(told("third", 5));
    expect(await journal.pauseHistory(2)).toEqual([
      { action: "pause", ...told("third", 5) },
      { action: "resume", by: "operator", who: "bob", why: "over", at: 4 },
    ]);
  });
});
