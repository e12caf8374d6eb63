import { setImmediate as breathe } from "node:timers/promises";
import type { Clock } from "../../clock.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Pause } from "../../journal/sinkJournal.ts";
import type { Policy } from "../../policy/policyPort.ts";
import type { Ceilings } from "../../sink/guardrails/caps.ts";
import type { Ledger } from "../../sink/guardrails/ledger.ts";
import { type Standing, standings } from "../../sink/guardrails/standing.ts";
import type { Logger } from "../logger.ts";
import { type MoneyBook, moneySpans } from "./money.ts";
import { selfPaced } from "./selfPaced.ts";

type JournalReadsOptions = {
  readonly journal: Pick<Journal, "pause" | "held" | "payments">;
  /** What counts against the ceilings now. */
  readonly ledger: () => Promise<Ledger>;
  readonly ceilings: Ceilings;
  readonly policies: () => readonly Policy[];
  readonly money: Pick<MoneyBook, "add">;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
};

/** What only the journal knows, read now and then. */
export type JournalReads = {
  readonly pause: () => Pause | undefined;
  readonly standings: () => readonly Standing[];
  /** Responses that wait for a person; the number changes when they do. */
  readonly held: () => { readonly count: number; readonly version: number };
  /** After the page changed something. */
  readonly refresh: () => void;
  readonly stop: () => void;
};

const everyMs = 2_000;
const slice = 250;
const mostPayments = 200_000;

export function startJournalReads(options: JournalReadsOptions): JournalReads {
  const { journal, ledger, ceilings, policies, money, clock, logger } = options;
  let pause: Pause | undefined;
  let caps: readonly Standing[] = [];
  let held = { count: 0, version: 0 };
  let heldIds = "";
  let stopped = false;
  const onError = (err: unknown) => logger.debug({ err }, "the page could not read the journal");

  const reads = selfPaced(
    async () => {
      pause = await journal.pause();
      const waiting = await journal.held();
      const ids = waiting.map(({ id }) => id).join();
      if (ids !== heldIds) held = { count: waiting.length, version: held.version + 1 };
      heldIds = ids;
      caps = standings(await ledger(), ceilings, policies(), clock.now());
    },
    { everyMs, onError },
  );

  /** The chart's past, in slices: the pipe goes on between two of them. What is settled from now on is reported. */
  const recall = async (): Promise<void> => {
    const since = clock.now() - moneySpans.month.lengthMs;
    let below = Number.MAX_SAFE_INTEGER;
    for (let read = 0; read < mostPayments && !stopped; read += slice) {
      const payments = await journal.payments(below, slice);
      for (const payment of payments) if (payment.at >= since) money.add(payment);
      const last = payments.at(-1);
      if (last === undefined || last.at < since) return;
      below = last.id;
      await breathe();
    }
  };
  recall().catch(onError);

  return {
    pause: () => pause,
    standings: () => caps,
    held: () => held,
    refresh: reads.soon,
    stop: () => {
      stopped = true;
      reads.stop();
    },
  };
}
