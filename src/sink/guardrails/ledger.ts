import type { GasSpent, MoneySpent, Payee } from "../../journal/sinkJournal.ts";
import type { AccountAddress, Nonce, Wei } from "../../protocol/brand.ts";
import { wei } from "../../protocol/brand.ts";
import { type Cap, dayMs, hourMs, scopesOf } from "./caps.ts";
import { createWindow, type Window } from "./window.ts";

/**
 * What was spent lately. A mirror of the journal, for the time that the process runs. What is settled is kept as sums only:
 * a daemon that pays a million times a day holds no more than one that pays ten times.
 */
export type Ledger = {
  /** Counts a confirmation from `at` on, in the place of what it counted before. */
  readonly charge: (id: number, payee: Payee, payment: Wei, at: number) => void;
  /** It is not paid after all. */
  readonly release: (id: number) => void;
  /** Nothing changes any more in what it counts. */
  readonly settle: (id: number) => void;
  /** What counts against a ceiling. */
  readonly window: (cap: Pick<Cap, "scope" | "lengthMs">) => Pick<Window, "sum" | "freeAt">;
  /** What one that is not settled counts against a ceiling. */
  readonly amountOf: (id: number, cap: Pick<Cap, "scope" | "lengthMs">, now: number) => Wei;
  /** For whom something counts. */
  readonly payees: (now: number) => readonly Payee[];
  readonly chargeGas: (signer: AccountAddress, nonce: Nonce, cost: Wei, at: number) => void;
  /** What a nonce did cost, in the place of the most that it could. */
  readonly settleGas: (signer: AccountAddress, nonce: Nonce, cost: Wei) => void;
  /** The most that a nonce may cost still, where that counts. */
  readonly gasOf: (signer: AccountAddress, nonce: Nonce, now: number) => Wei;
  readonly gas: Pick<Window, "sum" | "freeAt">;
  /** Counts what the journal held before, whenever that was: a clock that was ahead has left times that are to come. */
  readonly takeOver: (spent: Spent) => void;
  /** What is not settled, as `takeOver` takes it. */
  readonly unsettled: () => Spent;
};

export type Spent = { readonly money: readonly MoneySpent[]; readonly gas: readonly GasSpent[] };

const lengths = [hourMs, dayMs];
/** A window that a payee's confirmations count in, by its name. */
type Place = { readonly name: string; readonly length: number; readonly isOfPayee: boolean };
const nothing = createWindow(0);
const gasKey = (signer: AccountAddress, nonce: Nonce): string => `${signer} ${nonce}`;
const nameOf = (scope: string, lengthMs: number): string => `${lengthMs} ${scope}`;

export function createLedger(): Ledger {
  type Counted = { readonly window: Window; readonly payee: Payee; readonly isOfPayee: boolean };
  const windows = new Map<string, Counted>();
  const charged = new Map<number, { readonly payee: Payee; readonly payment: Wei; readonly at: number }>();
  const gasWindow = createWindow(dayMs);
  const gasOf = new Map<string, Omit<GasSpent, "isSettled">>();
  const windowOf = (scope: string, lengthMs: number): Window => windows.get(nameOf(scope, lengthMs))?.window ?? nothing;

  /** Put together once for each payee. */
  const places = new Map<string, readonly Place[]>();
  const placesOf = (payee: Payee): readonly Place[] => {
    const key = `${payee.policy} ${payee.provider}`;
    const known = places.get(key);
    if (known) return known;
    const scopes = scopesOf(payee);
    const made = scopes.flatMap((scope) =>
      lengths.map((length) => ({
        name: nameOf(scope, length),
        length,
        isOfPayee: scope === scopes.at(-1) && length === dayMs,
      })),
    );
    places.set(key, made);
    return made;
  };

  const release = (id: number) => {
    const before = charged.get(id);
    charged.delete(id);
    if (before === undefined) return;
    for (const { name } of placesOf(before.payee)) windows.get(name)?.window.change(before.at, -before.payment);
  };
  let forgotten = 0;
  /** Now and then: nothing is kept of what is older than the longest window. */
  const forget = (now: number) => {
    if (now - forgotten < hourMs && now >= forgotten) return;
    forgotten = now;
    for (const [id, { at }] of charged) if (at <= now - dayMs) charged.delete(id);
    for (const [key, { at }] of gasOf) if (at <= now - dayMs) gasOf.delete(key);
    for (const [name, { window }] of windows) if (window.isEmpty(now)) windows.delete(name);
    places.clear();
  };
  const count: Ledger["charge"] = (id, payee, payment, at) => {
    release(id);
    charged.set(id, { payee, payment, at });
    for (const { name, length, isOfPayee } of placesOf(payee)) {
      const counted = windows.get(name) ?? { window: createWindow(length), payee, isOfPayee };
      windows.set(name, counted);
      counted.window.add(at, payment);
    }
  };
  const ledger: Ledger = {
    charge: (id, payee, payment, at) => {
      forget(at);
      count(id, payee, payment, at);
    },
    release,
    settle: (id) => void charged.delete(id),
    window: ({ scope, lengthMs }) => windowOf(scope, lengthMs),
    amountOf: (id, { scope, lengthMs }, now) => {
      const own = charged.get(id);
      const counts = own !== undefined && own.at > now - lengthMs && scopesOf(own.payee).includes(scope);
      return counts ? own.payment : wei(0n);
    },
    payees: (now) =>
      [...windows.values()].flatMap(({ window, payee, isOfPayee }) =>
        isOfPayee && !window.isEmpty(now) ? [payee] : [],
      ),
    chargeGas: (signer, nonce, cost, at) => {
      const key = gasKey(signer, nonce);
      const before = gasOf.get(key);
      if (before !== undefined && before.at > at - dayMs && before.cost >= cost) return;
      if (before !== undefined) gasWindow.change(before.at, -before.cost);
      gasOf.set(key, { signer, nonce, at, cost });
      gasWindow.add(at, cost);
    },
    settleGas: (signer, nonce, cost) => {
      const key = gasKey(signer, nonce);
      const before = gasOf.get(key);
      gasOf.delete(key);
      if (before !== undefined) gasWindow.change(before.at, cost - before.cost);
    },
    gasOf: (signer, nonce, now) => {
      const own = gasOf.get(gasKey(signer, nonce));
      return own !== undefined && own.at > now - dayMs ? own.cost : wei(0n);
    },
    gas: gasWindow,
    takeOver: ({ money, gas }) => {
      for (const { confirmationId, at, payment, isSettled, ...payee } of money) {
        count(confirmationId, payee, payment, at);
        if (isSettled) ledger.settle(confirmationId);
      }
      for (const { signer, nonce, at, cost, isSettled } of gas) {
        ledger.chargeGas(signer, nonce, cost, at);
        if (isSettled) ledger.settleGas(signer, nonce, cost);
      }
    },
    unsettled: () => ({
      money: [...charged].map(([confirmationId, { payee, payment, at }]) => ({
        ...payee,
        ...{ confirmationId, at, payment, isSettled: false },
      })),
      gas: [...gasOf.values()].map((each) => ({ ...each, isSettled: false })),
    }),
  };
  return ledger;
}
