import { setImmediate as breathe } from "node:timers/promises";
import type { UpkeepJournal } from "../../journal/upkeepJournal.ts";

const tasksPerStep = 200;
const pagesPerStep = 500;

/** Prunes what was settled for long enough and gives the space back, in steps between which the pipe works on. */
export async function pruneJournal(
  journal: Pick<UpkeepJournal, "noteSettled" | "prune" | "compact">,
  keepMs: number,
  now: number,
): Promise<number> {
  await journal.noteSettled(now);
  let pruned = 0;
  for (;;) {
    const step = await journal.prune({ settledBefore: now - keepMs, now, limit: tasksPerStep });
    pruned += step;
    await breathe();
    if (step < tasksPerStep) break;
  }
  for (let left = Number.POSITIVE_INFINITY; ; ) {
    const now = await journal.compact(pagesPerStep);
    if (now === 0 || now >= left) return pruned;
    left = now;
    await breathe();
  }
}
