import type { Confirmation, Journal } from "../../journal/journal.ts";
import type { Payee } from "../../journal/sinkJournal.ts";
import type { PolicyCaps } from "../../policy/policyPort.ts";
import type { AccountAddress, Nonce, Wei } from "../../protocol/brand.ts";
import { wei } from "../../protocol/brand.ts";
import type { Reporter } from "../../report.ts";
import { type Breaker, type BreakerDeps, createBreaker } from "./breaker.ts";
import { byHand, type Cap, type Ceilings, capsOf, dayMs, noCeilings } from "./caps.ts";
import type { Ledger } from "./ledger.ts";
import type { Window } from "./window.ts";

/** A ceiling keeps a confirmation from being signed now, although it could be paid. */
export type Capped = {
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
type Payees = ReadonlyMap<number, Payee>;

/** The nonce that a confirmation is to have. */
type Slot = { readonly signer: AccountAddress; readonly nonce: Nonce };

export type GuardOptions = Ceilings & {
  /** Final reverts in a row that pause the sink; 0: none do. */
  readonly revertsToPause: number;
};

type GuardDeps = {
  readonly journal: Pick<Journal, "payees"> & BreakerDeps["journal"];
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
export type Guard = Breaker & {
  /**
   * Counts a confirmation, or answers the ceiling that it would break. Those that wait under the same ceiling keep their
   * order: one that came later does not take the room of one that came before, and goes after it once there is room for both.
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
  ) => Promise<Capped | Unbounded | undefined>;
  /** Whose these are. */
  readonly payees: (confirmations: readonly Confirmation[]) => Promise<Payees>;
  /** It is not paid (after all), or does not wait any more. */
  readonly release: (confirmationId: number) => void;
  /** It is settled: what it counts stays, and changes no more. */
  readonly settle: (confirmationId: number) => void;
  /** It does not wait any more; what it counts stays. */
  readonly leave: (confirmationId: number) => void;
  /**
   * Counts the most that a nonce may cost from now on, in the place of what it counted; `false`: gas may not cost so much more
   * today. What counts no more than before has room in any case.
   */
  readonly reserveGas: (signer: AccountAddress, nonce: Nonce, cost: Wei) => Promise<boolean>;
  /** The same for what no ceiling may hold. */
  readonly chargeGas: (signer: AccountAddress, nonce: Nonce, cost: Wei) => Promise<void>;
  readonly settleGas: (signer: AccountAddress, nonce: Nonce, cost: Wei) => Promise<void>;
};

export const unlimited: GuardOptions = { ...noCeilings, revertsToPause: 0 };

/** What a confirmation asks of a ceiling: its payment or its gas, wei. */
type Wanted = {
  readonly cap: Cap;
  readonly window: Pick<Window, "sum" | "freeAt">;
  readonly amount: Wei;
  /** What it counts there already, where it was counted before. */
  readonly own: bigint;
};

/** What waits at each ceiling, by the ceiling's key: confirmations by their ids, and what each needs. */
type Queues = Map<string, Map<number, Wei>>;

const gasCap = (limit: Wei): Cap => ({ name: "guardrails.gasPerDay", scope: "all", lengthMs: dayMs, limit });
const keyOf = ({ name, scope }: Cap): string => `${name} ${scope}`;

export function createGuard(deps: GuardDeps, options: GuardOptions): Guard {
  const { journal, ledger: load, capsOf: ofPolicy, now, report } = deps;
  /** Who waits for room, by ceiling: the confirmation's id and payment. */
  const queues: Queues = new Map();
  /** The same of those that no room is ever enough for: they keep no place. */
  const stuck: Queues = new Map();
  const wait = ({ until }: Capped, cap: Cap, id: number, amount: Wei) => {
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
  const reached = new Map<string, { readonly cap: Cap; readonly of: Set<"room" | "stuck"> }>();
  const tellReached = (cap: Cap, { used, until }: Capped) => {
    const key = keyOf(cap);
    const before = reached.get(key) ?? { cap, of: new Set<"room" | "stuck">() };
    const what = until === undefined ? "stuck" : "room";
    if (before.of.has(what)) return;
    reached.set(key, { cap, of: before.of.add(what) });
    report({ type: "ceiling", reached: true, cap: cap.name, scope: cap.scope, used, limit: cap.limit, until });
  };
  const tellCleared = () => {
    for (const [key, { cap }] of reached) {
      if (queues.has(key) || stuck.has(key)) continue;
      reached.delete(key);
      report({ type: "ceiling", reached: false, cap: cap.name, scope: cap.scope, limit: cap.limit });
    }
  };
  const leave = (id: number) => {
    leaveQueues(id);
    tellCleared();
  };

  const payees: Guard["payees"] = (confirmations) => journal.payees(confirmations.map(({ id }) => id));

  /** What those need that came before and wait for room here, the first of them by itself, wei. */
  const waitingBefore = (cap: Cap, id: number): { readonly first: bigint | undefined; readonly all: bigint } => {
    const before = [...(queues.get(keyOf(cap)) ?? [])].filter(([other]) => other < id);
    const [, first] = before.reduce((a, b) => (b[0] < a[0] ? b : a), before[0] ?? [0, undefined]);
    return { first, all: before.reduce((sum, [, amount]) => sum + amount, 0n) };
  };

  const cappedBy = ({ cap, window, amount, own }: Wanted, id: number): Capped | undefined => {
    const used = wei(window.sum(now()) - own);
    const { name, limit } = cap;
    if (amount > limit) return { cap: name, used, limit, until: undefined };
    // Whoever came before and still waits for room here is to have it first.
    const before = waitingBefore(cap, id);
    // It goes on as soon as it is tried: the next ceiling may have room for one of both only.
    if (before.first !== undefined && used + before.first <= limit) return { cap: name, used, limit, until: now() };
    const missing = used + before.all + amount - limit;
    if (missing <= 0n) return undefined;
    return { cap: name, used, limit, until: window.freeAt(missing, now()) ?? now() + cap.lengthMs };
  };

  return {
    ...createBreaker(deps, options.revertsToPause),

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
      const { gasPerDay } = options;
      const wanted: readonly Wanted[] = [
        ...capsOf(payee, options, own).map((cap) => {
          return { cap, window: ledger.window(cap), amount: payment, own: ledger.amountOf(id, cap, now()) };
        }),
        ...(gasPerDay === undefined ? [] : [{ cap: gasCap(gasPerDay), window: ledger.gas, amount: gas, own: 0n }]),
      ];
      for (const each of wanted) {
        const capped = cappedBy(each, id);
        if (capped === undefined) continue;
        const { cap, amount } = each;
        wait(capped, cap, id, amount);
        tellReached(cap, capped);
        tellCleared();
        return capped;
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

    reserveGas: async (signer, nonce, cost) => {
      const ledger = await load();
      const { gasPerDay } = options;
      const own = ledger.gasOf(signer, nonce, now());
      const used = ledger.gas.sum(now()) - own;
      if (gasPerDay !== undefined && cost > own && used + cost > gasPerDay) return false;
      ledger.chargeGas(signer, nonce, cost, now());
      return true;
    },
    chargeGas: async (signer, nonce, cost) => (await load()).chargeGas(signer, nonce, cost, now()),
    settleGas: async (signer, nonce, cost) => (await load()).settleGas(signer, nonce, cost),
  };
}
