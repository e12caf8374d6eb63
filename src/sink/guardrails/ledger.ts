import type { Payee, Spending } from "../../journal/sinkJournal.ts";
import type { AccountAddress, Nonce, Wei } from "../../protocol/brand.ts";
import { dayMs, hourMs, scopesOf } from "./caps.ts";
import { createWindow, type Window } from "./window.ts";

/** What was spent lately. A mirror of the journal, for the time that the process runs. */
export type Ledger = {
  /** Counts a confirmation from `at` on, in the place of what it counted before. */
  readonly charge: (id: number, payee: Payee, payment: Wei, at: number) => void;
  /** It is not paid after all. */
  readonly release: (id: number) => void;
  readonly window: (scope: string, lengthMs: number) => Window;
  readonly chargeGas: (signer: AccountAddress, nonce: Nonce, cost: Wei, at: number) => void;
  /** What a nonce did cost, in the place of the most that it could. */
  readonly settleGas: (signer: AccountAddress, nonce: Nonce, cost: Wei) => void;
  readonly gas: Window;
};

const gasKey = (signer: AccountAddress, nonce: Nonce): string => `${signer} ${nonce}`;

export function createLedger({ money, gas }: Spending): Ledger {
  const windows = new Map<string, Window>();
  const charged = new Map<number, { readonly scopes: readonly string[]; readonly at: number }>();
  const gasWindow = createWindow(dayMs);
  const gasSince = new Map<string, number>();
  const window = (scope: string, lengthMs: number): Window => {
    const name = `${lengthMs} ${scope}`;
    const known = windows.get(name);
    if (known) return known;
    const fresh = createWindow(lengthMs);
    windows.set(name, fresh);
    return fresh;
  };
  const release = (id: number) => {
    for (const scope of charged.get(id)?.scopes ?? []) {
      for (const length of [hourMs, dayMs]) {
        window(scope, length).remove(String(id));
        if (window(scope, length).isEmpty()) windows.delete(`${length} ${scope}`);
      }
    }
    charged.delete(id);
  };
  /** Nothing is kept of what is older than the longest window. */
  const forget = (now: number) => {
    for (const [id, { at }] of charged) {
      if (at > now - dayMs) break;
      release(id);
    }
    for (const [key, at] of gasSince) {
      if (at > now - dayMs) break;
      gasSince.delete(key);
    }
  };
  const ledger: Ledger = {
    charge: (id, payee, payment, at) => {
      release(id);
      forget(at);
      const scopes = scopesOf(payee);
      charged.set(id, { scopes, at });
      for (const scope of scopes) {
        for (const length of [hourMs, dayMs]) window(scope, length).set(String(id), at, payment);
      }
    },
    release,
    window,
    chargeGas: (signer, nonce, cost, at) => {
      const key = gasKey(signer, nonce);
      if (gasWindow.amountOf(key, at) >= cost) return;
      gasSince.delete(key);
      gasSince.set(key, at);
      gasWindow.set(key, at, cost);
    },
    settleGas: (signer, nonce, cost) => {
      const key = gasKey(signer, nonce);
      const since = gasSince.get(key);
      gasSince.delete(key);
      if (since !== undefined) gasWindow.set(key, since, cost);
    },
    gas: gasWindow,
  };
  for (const { confirmationId, at, payment, ...payee } of money) ledger.charge(confirmationId, payee, payment, at);
  for (const { signer, nonce, at, cost } of gas) ledger.chargeGas(signer, nonce, cost, at);
  return ledger;
}
