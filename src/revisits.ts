import { catchError, concatMap, defer, EMPTY, exhaustMap, from, merge, type Observable } from "rxjs";
import type { ChainPort } from "./chain/chainPort.ts";
import type { Journal } from "./journal/journal.ts";
import { openTasks } from "./openTasks.ts";
import type { PolicyStore } from "./policy/policyStore.ts";
import type { TaskAddress } from "./protocol/brand.ts";
import { pump$ } from "./rx/pump.ts";

type RevisitDeps = {
  readonly chain: Pick<ChainPort, "head$">;
  readonly journal: Pick<Journal, "answeredTasks" | "openTasks">;
  readonly policies: PolicyStore;
};

/**
 * Tasks to look at again although nothing happened on chain: a person answered for a held response (looked for at each
 * head), or the policies changed (then every open task: what is decided stays decided).
 */
export function revisits$({ chain, journal, policies }: RevisitDeps): Observable<TaskAddress> {
  // What fails here is found again at the next head, or by the next sweep.
  const quietly = (tasks$: Observable<TaskAddress>) => tasks$.pipe(catchError(() => EMPTY));
  const answered$ = quietly(defer(journal.answeredTasks).pipe(concatMap((tasks) => from(tasks))));
  const open$ = quietly(
    pump$(
      () => openTasks(journal),
      async (tasks) => tasks,
    ),
  );
  return merge(chain.head$.pipe(exhaustMap(() => answered$)), policies.changes$.pipe(concatMap(() => open$)));
}
