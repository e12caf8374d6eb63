import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MoneySpent } from "../../../../src/journal/sinkJournal.ts";
import { type AccountAddress, toNonce, wei } from "../../../../src/protocol/brand.ts";
import { dayMs } from "../../../../src/sink/guardrails/caps.ts";
import { createLedger } from "../../../../src/sink/guardrails/ledger.ts";
import { loadLedger, openLedger } from "../../../../src/sink/guardrails/openLedger.ts";
import { address } from "../../../support/fakeChain.ts";

const signer = address<AccountAddress>(1);
const payee = { policy: "p", provider: address<AccountAddress>(2) };
const today = { scope: "all", lengthMs: dayMs };
const start = 1_000 * dayMs;

describe("a ledger", () => {
  it("sums what is signed, less what is not paid after all, and forgets nothing that is settled", () => {
    const deeds = fc.array(
      fc.record({
        deed: fc.constantFrom("charge", "charge", "release", "settle"),
        id: fc.nat(5),
        payment: fc.bigInt(1n, 50n),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(deeds, (all) => {
        const ledger = createLedger();
        const open = new Map<number, bigint>();
        let settled = 0n;
        for (const [index, { deed, id, payment }] of all.entries()) {
          // A settled confirmation comes to nothing any more: its number is not used again.
          const unique = id + 10 * Number(settled);
          if (deed === "charge") {
            ledger.charge(unique, payee, wei(payment), start + index);
            open.set(unique, payment);
          } else {
            ledger[deed](unique);
            if (deed === "settle") settled += open.get(unique) ?? 0n;
            open.delete(unique);
          }
          const sum = [...open.values()].reduce((total, each) => total + each, settled);
          expect(ledger.window(today).sum(start + index)).toBe(sum);
        }
      }),
    );
  });

  it("counts gas at the worst until it is settled, also where a replacement is dearer", () => {
    const ledger = createLedger();
    ledger.chargeGas(signer, toNonce(1), wei(50n), start);
    ledger.chargeGas(signer, toNonce(1), wei(40n), start + 1);
    ledger.chargeGas(signer, toNonce(1), wei(70n), start + 2);
    ledger.chargeGas(signer, toNonce(2), wei(5n), start + 2);
    expect(ledger.gas.sum(start + 3)).toBe(75n);
    ledger.settleGas(signer, toNonce(1), wei(20n));
    expect(ledger.gas.sum(start + 3)).toBe(25n);
    expect(ledger.gas.sum(start + 2 * dayMs)).toBe(0n);
  });

  it("is read from the journal page by page, and asked for again where that failed", async () => {
    const rows = Array.from({ length: 2_345 }, (_, id) => ({
      ...{ confirmationId: id, at: start + id, payment: wei(1n), ...payee, isSettled: id % 2 === 0 },
    }));
    let broken = true;
    const ledger = openLedger(
      {
        moneySpent: async ({ after, limit }) => {
          if (after !== undefined && broken) throw new Error("the disk is full");
          const from = after === undefined ? 0 : after.confirmationId + 1;
          return rows.slice(from, from + limit);
        },
        gasSpent: async () => [{ signer, nonce: toNonce(1), at: start, cost: wei(7n), isSettled: false }],
      },
      () => start + 10_000,
    );
    await expect(ledger()).rejects.toThrow("the disk is full");
    broken = false;
    const read = await ledger();
    expect(read.window(today).sum(start + 10_000)).toBe(2_345n);
    expect(read.gas.sum(start + 10_000)).toBe(7n);
    expect(await ledger()).toBe(read);
  });

  it("is read anew where the clock was ahead and is set right: what it had forgotten then counts still", async () => {
    let now = start;
    let reads = 0;
    const row = { confirmationId: 1, at: start, payment: wei(5n), ...payee, isSettled: true };
    const ledger = openLedger(
      {
        moneySpent: async ({ after }) => {
          reads += after === undefined ? 1 : 0;
          return after === undefined ? [row] : [];
        },
        gasSpent: async () => [],
      },
      () => now,
    );
    const spent = async () => (await ledger()).window(today).sum(now);
    expect(await spent()).toBe(5n);
    now = start + 2 * dayMs;
    expect(await spent()).toBe(0n);
    now = start + 1_000;
    expect(await spent()).toBe(5n);
    now = start + 900;
    expect([await spent(), reads]).toEqual([5n, 2]);
  });

  it.each([1.5, 6, 25, 48])(
    "counts all the same what came before a clock was %s hours ahead for a while",
    async (ahead) => {
      const hour = dayMs / 24;
      const hoursAgo = [20, 10, 0.5, 0.1, -ahead];
      const rows = hoursAgo.map((hours, id) => ({
        ...{ confirmationId: id, at: start - hours * hour, payment: wei(100n), ...payee },
        isSettled: true,
      }));
      const gas = hoursAgo.map((hours, id) => ({
        ...{ signer, nonce: toNonce(id), at: start - hours * hour, cost: wei(7n), isSettled: true },
      }));
      const once =
        <T>(all: readonly T[]) =>
        async ({ after }: { readonly after: unknown }) =>
          after === undefined ? all : [];
      const ledger = await loadLedger({ moneySpent: once(rows), gasSpent: once(gas) }, start);
      expect(ledger.window({ scope: "all", lengthMs: hour }).sum(start)).toBe(300n);
      expect(ledger.window(today).sum(start)).toBe(500n);
      expect(ledger.gas.sum(start)).toBe(35n);
    },
  );

  it("goes on counting what is signed and not in the journal yet, where it is read anew meanwhile", async () => {
    let now = start;
    const rows: MoneySpent[] = [];
    const open = openLedger(
      { moneySpent: async ({ after }) => (after === undefined ? [...rows] : []), gasSpent: async () => [] },
      () => now,
    );
    const before = await open();
    before.charge(1, payee, wei(60n), now);
    before.charge(2, payee, wei(1n), now);
    before.chargeGas(signer, toNonce(1), wei(9n), now);
    before.release(2);
    now -= 120_000;
    rows.push({ confirmationId: 3, at: now, payment: wei(5n), ...payee, isSettled: true });
    expect((await open()).window(today).sum(now)).toBe(65n);
    expect((await open()).gas.sum(now)).toBe(9n);
    expect((await open()).window(today).sum(now + dayMs)).toBe(0n);
  });

  it("names for whom something counts, and nobody when a day is over", () => {
    const ledger = createLedger();
    ledger.charge(1, payee, wei(1n), start);
    ledger.settle(1);
    expect(ledger.payees(start)).toEqual([payee]);
    expect(ledger.payees(start + dayMs)).toEqual([]);
  });

  it("takes what one counts itself for counted as long as its ceiling's time lasts, and not a moment longer", () => {
    const ledger = createLedger();
    ledger.charge(1, payee, wei(60n), start);
    ledger.chargeGas(signer, toNonce(1), wei(9n), start);
    const own = (at: number) => [ledger.amountOf(1, today, at), ledger.gasOf(signer, toNonce(1), at)];
    expect([own(start + dayMs - 1), own(start + dayMs)]).toEqual([
      [60n, 9n],
      [0n, 0n],
    ]);
  });

  it("counts the gas of a nonce anew that was given back and is signed with after all", () => {
    const ledger = createLedger();
    ledger.chargeGas(signer, toNonce(1), wei(50n), start);
    ledger.settleGas(signer, toNonce(1), wei(0n));
    ledger.chargeGas(signer, toNonce(1), wei(50n), start + 1);
    expect(ledger.gas.sum(start + 1)).toBe(50n);
  });

  it("takes back for a day what is not paid after all, however much it has counted since", () => {
    const ledger = createLedger();
    ledger.charge(1, payee, wei(60n), start);
    ledger.chargeGas(signer, toNonce(1), wei(50n), start);
    const later = start + dayMs - 1;
    ledger.charge(2, payee, wei(1n), later);
    ledger.release(1);
    ledger.settleGas(signer, toNonce(1), wei(20n));
    expect([ledger.window(today).sum(later), ledger.gas.sum(later)]).toEqual([1n, 20n]);
  });

  it("changes no more what the journal calls settled", () => {
    const ledger = createLedger();
    ledger.takeOver({
      money: [{ confirmationId: 1, at: start, payment: wei(5n), ...payee, isSettled: true }],
      gas: [{ signer, nonce: toNonce(1), at: start, cost: wei(7n), isSettled: true }],
    });
    expect(ledger.unsettled()).toEqual({ money: [], gas: [] });
    ledger.release(1);
    expect([ledger.window(today).sum(start), ledger.gas.sum(start)]).toEqual([5n, 7n]);
  });
});
