import { setImmediate as breathe } from "node:timers/promises";
import type { GasSpent, MoneySpent, SinkJournal } from "../../journal/sinkJournal.ts";
import { dayMs } from "./caps.ts";
import { createLedger, type Ledger, type Spent } from "./ledger.ts";

type LedgerSource = Pick<SinkJournal, "moneySpent" | "gasSpent">;

/** Rows of one look at the journal: what else the process does waits for milliseconds. */
const atOnce = 1_000;
/** Milliseconds by which a clock goes back and no window has forgotten anything for it: what a minute keeps goes together. */
const setBackMs = 60_000;

/**
 * What the journal holds of the last 24 hours, from the first question on; what is charged and released from then on has to
 * be told to the ledger. What could not be read is asked for again by the next question; so is all of it where the clock was
 * ahead and has been set right, since the ledger has forgotten by then what counts still. What it had counted for signatures that are
 * not in the journal yet goes on counting.
 */
export function openLedger(journal: LedgerSource, now: () => number): () => Promise<Ledger> {
  let loading: Promise<Ledger> | undefined;
  let latest = Number.NEGATIVE_INFINITY;
  const load = (at: number, before?: Promise<Ledger>): Promise<Ledger> => {
    const asked = loadLedger(journal, at, before);
    asked.catch(() => {
      if (loading === asked) loading = undefined;
    });
    return asked;
  };
  return () => {
    const at = now();
    if (at < latest - setBackMs) {
      loading = loading && load(at, loading);
      latest = at;
    }
    latest = Math.max(latest, at);
    loading ??= load(at);
    return loading;
  };
}

/** @param now Milliseconds since 1970. @param before What it takes the place of: what is not settled there counts here, too. */
export async function loadLedger(journal: LedgerSource, now: number, before?: Promise<Ledger>): Promise<Ledger> {
  const ledger = createLedger();
  const old = await before?.catch(() => undefined);
  if (old) ledger.takeOver(noLaterThan(old.unsettled(), now));
  const since = now - dayMs + 1;
  await eachPage(
    (after: MoneySpent | undefined) => journal.moneySpent({ since, after, limit: atOnce }),
    (money) => ledger.takeOver({ money, gas: [] }),
  );
  await eachPage(
    (after: GasSpent | undefined) => journal.gasSpent({ since, after, limit: atOnce }),
    (gas) => ledger.takeOver({ money: [], gas }),
  );
  return ledger;
}

/** A clock that was ahead would have it count for longer. */
const noLaterThan = ({ money, gas }: Spent, now: number): Spent => ({
  money: money.map((each) => ({ ...each, at: Math.min(each.at, now) })),
  gas: gas.map((each) => ({ ...each, at: Math.min(each.at, now) })),
});

async function eachPage<T>(
  read: (after: T | undefined) => Promise<readonly T[]>,
  take: (page: readonly T[]) => void,
): Promise<void> {
  for (let after: T | undefined, isFull = true; isFull; ) {
    const page = await read(after);
    take(page);
    after = page.at(-1);
    isFull = page.length === atOnce;
    if (isFull) await breathe();
  }
}
