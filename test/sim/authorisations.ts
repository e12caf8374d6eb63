import type { Hex } from "../../src/protocol/brand.ts";
import { accounts } from "./actors.ts";
import type { Mempool } from "./mempool.ts";
import type { Prng } from "./prng.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtualTime.ts";
import { modelHash } from "./words.ts";

export type AuthorisationsDeps = {
  /** Who has no agent in the beginning. */
  readonly late: readonly Hex[];
  readonly prng: Prng;
  readonly time: VirtualTime;
  readonly pool: Mempool;
  readonly trace: Trace;
  readonly count: (what: string) => void;
};

/** The clients of a run that make the signers their agents while it goes on. */
export const drawLateClients = (prng: Prng): readonly Hex[] =>
  prng.chance(0.3) ? accounts.clients.filter(() => prng.chance(0.6)) : [];

/** Milliseconds in which a client names all signers. */
const withinMs = 15_000;

/**
 * Clients that authorise the signers late, one by one; some dismiss them again for a while. In the end each is an agent.
 * @param lengthMs The time in which that happens.
 */
export function startAuthorisations(deps: AuthorisationsDeps, lengthMs: number): void {
  const { late, prng, time, pool, trace, count } = deps;
  let transactions = 0;
  const setAt = (at: number, client: Hex, value: boolean) => {
    for (const agent of accounts.signers)
      time.after(at + prng.between(0, withinMs), () => {
        pool.put({
          hash: modelHash(0xa9, transactions++),
          action: { type: "setAgent", client, agent, value },
          key: undefined,
        });
      });
    time.after(at, () => {
      const what = value ? "a client authorises its agents" : "a client dismisses its agents";
      trace.note(what);
      count(what);
    });
  };
  for (const client of late) {
    const authorised = prng.between(5_000, Math.floor(lengthMs * 0.6));
    setAt(authorised, client, true);
    const dismissed = prng.chance(0.4) ? authorised + prng.between(withinMs, 60_000) : lengthMs;
    // Else it might come after the last word.
    if (dismissed + withinMs < lengthMs) setAt(dismissed, client, false);
    // Also where it was not dismissed: a reorg may have lost what it had sent.
    setAt(lengthMs, client, true);
  }
}
