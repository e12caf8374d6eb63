import { catchError, exhaustMap, from, ignoreElements, type Observable, tap, throttleTime, timer } from "rxjs";
import { mostBehind } from "./chain/askTwice.ts";
import type { ChainPort, Head } from "./chain/chainPort.ts";
import { requireRecent } from "./chain/farBehind.ts";
import { lacksBlock } from "./chain/newestBlock.ts";
import type { TermsAt } from "./chain/taskTerms.ts";
import type { Watch } from "./chain/watch.ts";
import type { Clock } from "./clock.ts";
import type { Journal } from "./journal/journal.ts";
import type { SettledJournal, SettledTask } from "./journal/settledJournal.ts";
import type { SourceAddress, TaskAddress } from "./protocol/brand.ts";
import type { Reporter } from "./report.ts";
import { whyNothingToDo } from "./whyNothingToDo.ts";

type ReopenedDeps = {
  readonly chain: Pick<ChainPort, "head$" | "finalBlock" | "termsByTwo">;
  readonly journal: SettledJournal & Pick<Journal, "cursor">;
  readonly watch: Pick<Watch, "isWatched">;
  readonly clock: Clock;
  readonly report: Reporter;
};

/** Milliseconds between two passes; after one that failed twice as long each time, up to the most. */
const everyMs = { first: 5_000, most: 300_000 };
/** A pass reads so many tasks at the most, each page of them in one request to each of two endpoints. */
const tasksPerPage = 250;
const pagesPerPass = 4;
/** A node may be so many blocks ahead of another one; who settled a task beyond that made its block up. */
const aheadBlocks = 256n;

/**
 * Tasks that were settled by what one node showed of one block, and that no final block shows as over: the node lied, or
 * stood on a branch that is gone while the scanner had nothing to take back. They are open again, and to be looked at.
 *
 * Over for good is what two endpoints, where there are two, both show so in a final block; where there is one, it is asked
 * twice. What one of them cannot tell is asked again. All of it is found in the journal: a restart forgets none.
 */
export function reopened$({ chain, journal, watch, clock, report }: ReopenedDeps): Observable<TaskAddress> {
  let after: SettledTask | undefined;
  /** How far below the final block they are looked at: one of two endpoints may hang behind that for ever. */
  let below = 0n;

  /** @param source The one that the journal has: its task stays the daemon's whether or not its client has an agent just now. */
  const isOverIn = async (
    opinion: TermsAt | undefined,
    index: number,
    source: SourceAddress,
  ): Promise<boolean | undefined> => {
    const terms = opinion?.terms[index];
    if (opinion === undefined || terms === undefined) return undefined;
    if (whyNothingToDo(terms, opinion.block.timestamp) !== undefined) return true;
    if (terms.source === source) return false;
    const isOurs = await watch.isWatched(terms.source, opinion.block.number).catch(() => undefined);
    return isOurs === undefined ? undefined : !isOurs;
  };

  /** What one endpoint alone says may open a task, and never closes one for good. @param failed What the other one said. */
  const recheck = async (
    settled: Awaited<ReturnType<SettledJournal["settledTasks"]>>,
    final: bigint,
  ): Promise<{ readonly opened: readonly TaskAddress[]; readonly failed: unknown }> => {
    const tasks = settled.map(({ task }) => task);
    const asked = await chain.termsByTwo(tasks, final);
    const opinions = asked.map((each) => (each.status === "fulfilled" ? each.value : undefined));
    const failed = asked.find((each) => each.status === "rejected")?.reason;
    const told = await Promise.all(
      settled.map(async (each, index) => {
        return { each, isOver: await Promise.all(opinions.map((opinion) => isOverIn(opinion, index, each.source))) };
      }),
    );
    const over = told.filter(({ isOver }) => isOver.every((says) => says === true)).map(({ each }) => each);
    const notOver = told.filter(({ isOver }) => isOver.includes(false)).map(({ each }) => each);
    if (over.length + notOver.length === 0) return { opened: [], failed };
    const opened = await journal.settleFinally({ over, notOver });
    for (const task of opened) report({ type: "reopened", task, block: final });
    return { opened, failed };
  };

  async function* pass(head: Head): AsyncGenerator<TaskAddress, void> {
    requireRecent(head.number, await journal.cursor());
    const upTo = (await chain.finalBlock(head)) - below;
    for (let page = 0; page < pagesPerPass; page++) {
      const settled = await journal.settledTasks({ upTo, beyond: head.number + aheadBlocks, after }, tasksPerPage);
      // Moved on before it is read: what cannot be told must not keep the others waiting.
      after = settled.length < tasksPerPage ? undefined : settled.at(-1);
      if (settled.length > 0) {
        const { opened, failed } = await recheck(settled, upTo);
        yield* opened;
        if (lacksBlock(failed)) below = below < mostBehind ? mostBehind : 0n;
        // The others would be read in vain, too.
        if (failed !== undefined) throw failed;
      }
      if (after === undefined) return;
    }
  }

  let failures = 0;
  const passes = (head: Head): Observable<TaskAddress> =>
    from(pass(head)).pipe(
      tap({
        complete: () => {
          failures = 0;
          if (below > 0n) below -= 1n;
        },
      }),
      catchError((error) => {
        const inMs = Math.min(everyMs.most, everyMs.first * 2 ** failures);
        failures += 1;
        report({ type: "retry", what: "settled tasks", error, inMs });
        return timer(inMs, clock.scheduler).pipe(ignoreElements());
      }),
    );
  return chain.head$.pipe(throttleTime(everyMs.first, clock.scheduler), exhaustMap(passes));
}
