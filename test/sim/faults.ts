import type { Prng } from "./prng.ts";

export const focuses = ["intake", "sink", "all"] as const;
export type Focus = (typeof focuses)[number];

/** How likely each fault is where it may strike: a request, an answer, a message, a block, a broadcast. */
const rates = {
  intake: {
    "http error": 0.015,
    "http hang": 0.004,
    "endpoint down": 0.006,
    "node lags": 0.05,
    "head goes back": 0.02,
    "logs withheld": 0.02,
    "some logs withheld": 0.02,
    "newest logs withheld": 0.02,
    "logs shuffled": 0.1,
    "socket message lost": 0.05,
    "socket message twice": 0.05,
    "socket message late": 0.05,
    "socket down": 0.01,
    "status lied": 0.01,
    "time lied": 0.002,
    reorg: 0.05,
    "transaction lost in a reorg": 0.05,
    "time stands still": 0.01,
    "time jumps": 0.003,
    "commit fails": 0.01,
    "disk full": 0.001,
  },
  sink: {
    "send lost": 0.05,
    "answer lost": 0.05,
    "send and answer lost": 0.03,
    "send late": 0.03,
    "send twice": 0.04,
    "already known": 0.05,
    "pool is full": 0.02,
    underpriced: 0.03,
    "hopeless answer": 0.02,
    "hopeless bytes": 0.02,
    "hopeless call": 0.02,
    "receipt withheld": 0.01,
    "confirmations' logs withheld": 0.05,
    "some confirmations' logs withheld": 0.05,
    "confirmations' logs of a branch that is gone": 0.05,
    "confirmations' logs refused": 0.02,
    "count too high": 0.01,
    "count goes back": 0.02,
    "pending count too low": 0.05,
    "receipts late": 0.1,
    "receipt of a branch that is gone": 0.2,
    "mempool drop": 0.04,
    "highest nonces evicted": 0.01,
    "pool restarts empty": 0.01,
    "replacement undone": 0.1,
    "known and dropped": 0.02,
    "passed on to nobody": 0.03,
    stranger: 0.01,
    "stranger's burst": 0.003,
    "stranger taken back": 0.3,
    "fee spike": 0.03,
    "ours lost in a reorg": 0.3,
    "ours left out": 0.02,
    "an older version is mined": 0.3,
  },
} as const;

export type FaultName = keyof (typeof rates)["intake"] | keyof (typeof rates)["sink"];

export type Faults = {
  /** Draws whether it strikes now. Never after the faults have ended. */
  readonly strikes: (name: FaultName) => boolean;
  readonly isOver: () => boolean;
  readonly end: () => void;
};

export type FaultOptions = {
  readonly prng: Prng;
  readonly focus: Focus;
  /** Events of virtual time that were run so far. */
  readonly steps: () => number;
  /** No fault after so many events: how a failing run is shortened. */
  readonly limit: number;
  readonly onStrike: (name: FaultName) => void;
};

/** Each seed leaves some faults out and has others more often: a rare fault is found where no other hides it. */
const swarm = [0, 0, 0.5, 1, 1, 3] as const;
const aside = 0.2;

export function createFaults({ prng, focus, steps, limit, onStrike }: FaultOptions): Faults {
  const chances = new Map<string, number>();
  for (const [room, faults] of Object.entries(rates)) {
    const weight = focus === "all" || focus === room ? 1 : aside;
    for (const [name, rate] of Object.entries(faults))
      chances.set(name, Math.min(0.9, rate * weight * prng.pick(swarm)));
  }
  let over = false;
  return {
    strikes: (name) => {
      const strikes = prng.chance(chances.get(name) ?? 0) && !over && steps() < limit;
      if (strikes) onStrike(name);
      return strikes;
    },
    isOver: () => over,
    end: () => {
      over = true;
    },
  };
}
