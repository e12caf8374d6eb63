import { type Observable, Subject } from "rxjs";
import type { Confirmation, Journal } from "../../journal/journal.ts";
import type { Pause, Payee } from "../../journal/sinkJournal.ts";
import type { PolicyCaps } from "../../policy/policyPort.ts";
import type { AccountAddress, Nonce, Wei } from "../../protocol/brand.ts";
import { wei } from "../../protocol/brand.ts";
import type { Reporter } from "../../report.ts";
import { byHand, type Cap, type Ceilings, capsOf, dayMs, noCeilings } from "./caps.ts";
import type { Ledger } from "./ledger.ts";

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

/** Its policy is in force no more, and was not since the start: nobody knows what ceilings it has. */
export type Unbounded = { readonly policy: string };

/** Whose confirmations are, by their ids. */
export type Payees = ReadonlyMap<number, Payee>;

/** The nonce that a confirmation is to have. */
export type Slot = { readonly signer: AccountAddress; readonly nonce: Nonce };

export type GuardOptions = Ceilings & {
  /** Final reverts in a row that pause the sink; 0: none do. */
  readonly revertsToPause: number;
};

export type GuardDeps = {
  readonly journal: Pick<Journal, "payees" | "pause" | "setPause" | "pauseHistory" | "countRevert">;
  readonly ledger: () => Promise<Ledger>;
  /** The ceilings that a policy's file gives, by the policy's name; `undefined`: nobody knows. */
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
  /** What it answered last. */
  readonly wasPaused: () => boolean;
  /** Somebody resumed. */
  readonly resumed$: Observable<void>;
  /**
   * Counts a confirmation, or answers the ceiling that it would break. Those that wait under the same ceiling keep their
   * order: one that came later does not take the room of one that came before.
   *
   * What nobody knows the ceilings of is not counted either.
   *
   * @param gas The most that its gas can cost, wei. @param slot Where it is charged, in the same breath.
   * @param payees As `payees` answers; who asks for many reads them once. @default they are read
   */
  readonly reserve: (
    confirmation: Confirmation,
    gas: Wei,
    slot?: Slot,
    payees?: Payees,
  ) => Promise<Held | Unbounded | undefined>;
  /** Whose these are. */
  readonly payees: (confirmations: readonly Confirmation[]) => Promise<Payees>;
  /** It is not paid (after all), or does not wait any more. */
  readonly release: (confirmationId: number) => void;
  /** It is settled: what it counts stays, and changes no more. */
  readonly settle: (confirmationId: number) => void;
  /** It does not wait any more; what it counts stays. */
  readonly leave: (confirmationId: number) => void;
  /** Whether gas may cost so much more today. */
  readonly hasGasFor: (cost: Wei) => Promise<boolean>;
  readonly chargeGas: (signer: AccountAddress, nonce: Nonce, cost: Wei) => Promise<void>;
  readonly settleGas: (signer: AccountAddress, nonce: Nonce, cost: Wei) => Promise<void>;
  /** A confirmation is final: it was paid, or reverted. Enough reverts in a row pause the sink. */
  readonly sawOutcome: (reverted: boolean) => Promise<void>;
};

export const unlimited: GuardOptions = { ...noCeilings, revertsToPause: 0 };

/** What waits at each ceiling, by the ceiling's key: confirmations by their ids, and what each needs. */
type Queues = Map<string, Map<number, Wei>>;

const gasCap = (limit: Wei): Cap => ({ name: "guardrails.gasPerDay", scope: "all", lengthMs: dayMs, limit });
const keyOf = ({ name, scope }: Cap): string => `${name} ${scope}`;

export function createGuard(deps: GuardDeps, options: GuardOptions): Guard {
  const { journal, ledger: load, capsOf: ofPolicy, now, report } = deps;
  let pause: Pause | undefined;
  const resumed$ = new Subject<void>();
  /** Who waits for room, by ceiling: the confirmation's id and payment. */
  const queues: Queues = new Map();
  /** The same of those that no room is ever enough for: they keep no place. */
  const stuck: Queues = new Map();
  const wait = ({ until }: Held, cap: Cap, id: number, amount: Wei) => {
    const waiting = until === undefined ? stuck : queues;
    const key = keyOf(cap);
    waiting.set(key, (waiting.get(key) ?? new Map()).set(id, amount));
  };
  const leaveQueues = (id: number) => {
    for (const waiting of [queues, stuck]) {
      for (const [key, queue] of waiting) {
        queue.delete(id);
        if (queue.size === 0) waiting.delete(key);
      }
    }
  };
  /**
   * The ceilings that the operator was told of: once when something begins to wait there, once when something is stuck there,
   * and once when nothing is any more.
   */
  const told = new Map<string, { readonly cap: Cap; readonly of: Set<"room" | "stuck"> }>();
  const tellReached = (cap: Cap, { used, until }: Held) => {
    const key = keyOf(cap);
    const before = told.get(key) ?? { cap, of: new Set<"room" | "stuck">() };
    const what = until === undefined ? "stuck" : "room";
    if (before.of.has(what)) return;
    told.set(key, { cap, of: before.of.add(what) });
    report({ type: "ceiling", reached: true, cap: cap.name, scope: cap.scope, used, limit: cap.limit, until });
  };
  const tellCleared = () => {
    for (const [key, { cap }] of told) {
      if (queues.has(key) || stuck.has(key)) continue;
      told.delete(key);
      report({ type: "ceiling", reached: false, cap: cap.name, scope: cap.scope, limit: cap.limit });
    }
  };
  const leave = (id: number) => {
    leaveQueues(id);
    tellCleared();
  };

  const payees: Guard["payees"] = (confirmations) => journal.payees(confirmations.map(({ id }) => id));

  const waitingBefore = (cap: Cap, id: number): bigint =>
    [...(queues.get(keyOf(cap)) ?? [])].reduce((sum, [other, amount]) => (other < id ? sum + amount : sum), 0n);

  const heldBy = (ledger: Ledger, cap: Cap, { id, payment }: Confirmation): Held | undefined => {
    const window = ledger.window(cap);
    const used = wei(window.sum(now()) - ledger.amountOf(id, cap, now()));
    const { name, limit } = cap;
    if (payment > limit) return { cap: name, used, limit, until: undefined };
    // Whoever came before and still waits for room here is to have it first.
    const missing = used + waitingBefore(cap, id) + payment - limit;
    if (missing <= 0n) return undefined;
    return { cap: name, used, limit, until: window.freeAt(missing, now()) ?? now() + cap.lengthMs };
  };

  const heldByGas = (ledger: Ledger, id: number, gas: Wei): Held | undefined => {
    const { gasPerDay: limit } = options;
    if (limit === undefined) return undefined;
    const cap = gasCap(limit);
    const used = wei(ledger.gas.sum(now()));
    if (gas > limit) return { cap: cap.name, used, limit, until: undefined };
    const missing = used + waitingBefore(cap, id) + gas - limit;
    if (missing <= 0n) return undefined;
    return { cap: cap.name, used, limit, until: ledger.gas.freeAt(missing, now()) ?? now() + cap.lengthMs };
  };

  return {
    isPaused: async () => {
      const before = pause;
      pause = await journal.pause();
      if (pause !== undefined) {
        if (before?.at !== pause.at || before.why !== pause.why) report({ type: "paused", ...pause });
      } else if (before !== undefined) {
        const [last] = await journal.pauseHistory(1);
        report({ type: "resumed", who: last?.who ?? "", why: last?.why ?? "" });
        resumed$.next();
      }
      return pause !== undefined;
    },
    wasPaused: () => pause !== undefined,
    resumed$,

    payees,
    reserve: async (confirmation, gas, slot, known) => {
      const ledger = await load();
      const { id, payment } = confirmation;
      const payee: Payee = (known ?? (await payees([confirmation]))).get(id) ?? { policy: "", provider: undefined };
      leaveQueues(id);
      const own = ofPolicy(payee.policy);
      if (own === undefined && payee.policy !== byHand) {
        tellCleared();
        return { policy: payee.policy };
      }
      for (const cap of capsOf(payee, options, own)) {
        const held = heldBy(ledger, cap, confirmation);
        if (held === undefined) continue;
        wait(held, cap, id, payment);
        tellReached(cap, held);
        tellCleared();
        return held;
      }
      const held = heldByGas(ledger, id, gas);
      if (held !== undefined) {
        wait(held, gasCap(held.limit), id, gas);
        tellReached(gasCap(held.limit), held);
        tellCleared();
        return held;
      }
      tellCleared();
      ledger.charge(id, payee, payment, now());
      if (slot) ledger.chargeGas(slot.signer, slot.nonce, gas, now());
      return undefined;
    },

    release: (id) => {
      leave(id);
      void load().then(
        (ledger) => ledger.release(id),
        () => undefined,
      );
    },
    settle: (id) => {
      leave(id);
      void load().then(
        (ledger) => ledger.settle(id),
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
      pause = { by: "reverts", who: "the daemon", why, at: now() };
      await journal.setPause(pause);
      report({ type: "paused", ...pause });
    },
  };
}
