import {
  catchError,
  connect,
  defer,
  EMPTY,
  endWith,
  exhaustMap,
  ignoreElements,
  merge,
  takeUntil,
  throttleTime,
} from "rxjs";
import type { SinkDeps } from "./createSink.ts";
import { readFunds } from "./funds.ts";
import type { Sink } from "./sinkPort.ts";

/** Milliseconds between two looks at what the keys hold, at the least. */
const restMs = 60_000;

type DrySinkDeps = Pick<SinkDeps, "chain" | "signers" | "clock" | "report">;

/** Pays nothing and emits nothing. What the keys could pay for is read now and then, for whoever looks on. */
export function createDrySink({ chain, signers, clock, report }: DrySinkDeps): Sink {
  const readAll = async () => {
    for (const { address } of signers) report({ type: "funds", signer: address, ...(await readFunds(chain, address)) });
  };
  const funds$ = chain.head$.pipe(
    throttleTime(restMs, clock.scheduler),
    exhaustMap(() =>
      defer(readAll).pipe(
        catchError((error) => {
          report({ type: "retry", what: "reading the balance", error, inMs: restMs });
          return EMPTY;
        }),
      ),
    ),
    ignoreElements(),
  );
  return {
    pay: connect((intents$) => {
      const nothing$ = intents$.pipe(ignoreElements());
      return merge(nothing$, funds$.pipe(takeUntil(nothing$.pipe(endWith("ended")))));
    }),
  };
}
