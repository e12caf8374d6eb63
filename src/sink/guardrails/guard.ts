import type { Confirmation, Journal } from "../../journal/journal.ts";
import type { Payee } from "../../journal/sinkJournal.ts";
import type { PolicyCaps } from "../../policy/policyPort.ts";
import type { AccountAddress, Nonce, Wei } from "../../protocol/brand.ts";
import { wei } from "../../protocol/brand.ts";
import type { Reporter } from "../../report.ts";
import { type Cap, type Ceilings, capsOf, dayMs } from "./caps.ts";
import { createLedger, type Ledger } from "./ledger.ts";

/** Why a confirmation is not signed now, although it could be paid. */
export type Held = {
  /** The ceiling, as the operator wrote it. */
  readonly cap: string;
  /** What counts against it already, wei. */
  readonly used: Wei;
  readonly limit: Wei;
  /** When there is room again, milliseconds since 1970; `undefined`: there is never so much. */
  readonly until: number | undefined;
};

export type GuardOptions = Ceilings & {
  /** Final reverts in a row that pause the sink; 0: none do. */
  readonly revertsToPause: number;
};

export type GuardDeps = {
  readonly journal: Pick<Journal, "spending" | "payees" | "pause" | "setPause" | "countRevert">;
  /** The ceilings that a policy's file gives, by the policy's name. */
  readonly capsOf: (policy: string) => PolicyCaps | undefined;
  readonly now: () => number;
  readonly report: Reporter;
};

/**
 * Stands before every signature. What it counts is in the journal, from the moment of signing on, so that a restart
 * forgets nothing; what is in flight counts.
 */
export type Guard = {
  /** Whether anything new may be signed. Says so when that changes. */
  readonly isPaused: () => Promise<boolean>;
  /**
   * Counts a confirmation, or answers the ceiling that it would break. Those that wait under the same ceiling keep their
   * order: one that came later does not take the room of one that came before.
   *
   * @param gas The most that its gas can cost, wei.
   */
  readonly reserve: (confirmation: Confirmation, gas: Wei) => Promise<Held | undefined>;
  /** It is not paid (after all), or does not wait any more. */
  readonly release: (confirmationId: number) => void;
  /** It does not wait any more; what it counts stays. */
  readonly leave: (confirmationId: number) => void;
  /** Whether gas may cost so much more today. */
  readonly hasGasFor: (cost: Wei) => Promise<boolean>;
  readonly chargeGas: (signer: AccountAddress, nonce: Nonce, cost: Wei) => Promise<void>;
  readonly settleGas: (signer: AccountAddress, nonce: Nonce, cost: Wei) => Promise<void>;
  /** A confirmation is final: it was paid, or reverted. Enough reverts in a row pause the sink. */
  readonly sawOutcome: (reverted: boolean) => Promise<void>;
};

export const unlimited: GuardOptions = {
  perHour: undefined,
  perDay: undefined,
  perProviderHour: undefined,
  gasPerDay: undefined,
  revertsToPause: 0,
};

export function createGuard({ journal, capsOf: ofPolicy, now, report }: GuardDeps, options: GuardOptions): Guard {
  let loading: Promise<Ledger> | undefined;
  const load = (): Promise<Ledger> => {
    loading ??= journal.spending(now() - dayMs).then(createLedger);
    loading.catch(() => {
      loading = undefined;
    });
    return loading;
  };
  let paused = false;
  /** Who waits for room, by ceiling: the confirmation's id and payment. */
  const queues = new Map<string, Map<number, Wei>>();
  const queueOf = ({ name, scope }: Pick<Cap, "name" | "scope">) => {
    const key = `${name} ${scope}`;
    const queue = queues.get(key) ?? new Map<number, Wei>();
    queues.set(key, queue);
    return queue;
  };
  const leave = (id: number) => {
    for (const [key, queue] of queues) {
      queue.delete(id);
      if (queue.size === 0) queues.delete(key);
    }
  };

  const heldBy = (ledger: Ledger, cap: Cap, { id, payment }: Confirmation): Held | undefined => {
    const window = ledger.window(cap.scope, cap.lengthMs);
    const used = wei(window.sum(now()) - window.amountOf(String(id), now()));
    const { name, limit } = cap;
    if (payment > limit) return { cap: name, used, limit, until: undefined };
    // Whoever came before and still waits for room here is to have it first.
    const before = [...queueOf(cap)].reduce((sum, [other, amount]) => (other < id ? sum + amount : sum), 0n);
    const missing = used + before + payment - limit;
    if (missing <= 0n) return undefined;
    return { cap: name, used, limit, until: window.freeAt(missing, now()) ?? now() + cap.lengthMs };
  };

  return {
    isPaused: async () => {
      const pause = await journal.pause();
      if ((pause !== undefined) !== paused) report(pause ? { type: "paused", ...pause } : { type: "resumed" });
      paused = pause !== undefined;
      return paused;
    },

    reserve: async (confirmation, gas) => {
      const ledger = await load();
      const { id, payment } = confirmation;
      const payee: Payee = (await journal.payees([id])).get(id) ?? { policy: "", provider: undefined };
      const caps = capsOf(payee, options, ofPolicy(payee.policy));
      leave(id);
      for (const cap of caps) {
        const held = heldBy(ledger, cap, confirmation);
        if (held === undefined) continue;
        if (held.until !== undefined) queueOf(cap).set(id, payment);
        return held;
      }
      const { gasPerDay } = options;
      const gasUsed = wei(ledger.gas.sum(now()));
      if (gasPerDay !== undefined && gasUsed + gas > gasPerDay) {
        const until = ledger.gas.freeAt(gasUsed + gas - gasPerDay, now());
        return { cap: "guardrails.gasPerDay", used: gasUsed, limit: gasPerDay, until };
      }
      ledger.charge(id, payee, payment, now());
      return undefined;
    },

    release: (id) => {
      leave(id);
      void load().then(
        (ledger) => ledger.release(id),
        () => undefined,
      );
    },
    leave,

    hasGasFor: async (cost) =>
      options.gasPerDay === undefined || (await load()).gas.sum(now()) + cost <= options.gasPerDay,
    chargeGas: async (signer, nonce, cost) => (await load()).chargeGas(signer, nonce, cost, now()),
    settleGas: async (signer, nonce, cost) => (await load()).settleGas(signer, nonce, cost),

    sawOutcome: async (reverted) => {
      const { revertsToPause } = options;
      const reverts = await journal.countRevert(reverted);
      if (!reverted || revertsToPause === 0 || reverts < revertsToPause) return;
      if ((await journal.pause()) !== undefined) return;
      const why = `${reverts} confirmations in a row reverted although their simulation had passed`;
      await journal.setPause({ by: "reverts", why, at: now() });
      paused = true;
      report({ type: "paused", by: "reverts", why, at: now() });
    },
  };
}
