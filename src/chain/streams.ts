import {
  catchError,
  delay,
  distinctUntilChanged,
  EMPTY,
  exhaustMap,
  filter,
  from,
  map,
  merge,
  type Observable,
  share,
  tap,
  timer,
} from "rxjs";
import type { Clock } from "../clock.ts";
import { type ChainEvent, decodeEvent, type RpcLog } from "../protocol/events.ts";
import type { Reporter } from "../report.ts";
import type { ChainPort, Head } from "./chainPort.ts";
import type { SocketMessage } from "./rpcSocket.ts";

export type StreamsDeps = {
  /** Heads and logs as a node pushes them; `EMPTY`: heads are polled, and events come from the scanner alone. */
  readonly socket$: Observable<SocketMessage>;
  /** Milliseconds between two polls of the head. */
  readonly pollIntervalMs: number;
  readonly clock: Clock;
  readonly report: Reporter;
};

type StreamsHooks = {
  /** The newest head, asked over HTTP. */
  readonly head: () => Promise<Head>;
  /** The socket told of a block. @returns whether to go by it, or to leave it to be found over HTTP. */
  readonly heard: (block: bigint) => boolean;
  /** Another socket took over. */
  readonly onUp: () => void;
  /** There is another head; told before anybody works on it. */
  readonly onHead: (head: Head) => void;
};

/** Milliseconds that a head waits: what the logs of its block set off goes first, and somebody is paid the sooner. */
const calmMs = 25;

/** Heads and live events: from the socket where there is one; heads by polling in any case, so that silence is noticed. */
export function chainStreams(
  { clock, pollIntervalMs, socket$, report }: StreamsDeps,
  { head, heard, onUp, onHead }: StreamsHooks,
): Pick<ChainPort, "head$" | "liveEvents$"> {
  const messages$ = socket$.pipe(
    tap(({ type }) => type === "up" && onUp()),
    share(),
  );
  const polled$ = timer(0, pollIntervalMs, clock.scheduler).pipe(
    exhaustMap(() =>
      from(head()).pipe(
        catchError((error) => {
          report({ type: "retry", what: "head", error, inMs: pollIntervalMs });
          return EMPTY;
        }),
      ),
    ),
  );
  const pushed$ = messages$.pipe(
    filter((message) => message.type === "head"),
    map((message) => message.head),
    filter(({ number }) => heard(number)),
  );
  const head$ = merge(polled$, pushed$).pipe(
    tap(({ number, timestamp }) => report({ type: "head", number, timestamp })),
    distinctUntilChanged((before, after) => before.hash === after.hash),
    tap(onHead),
    delay(calmMs, clock.scheduler),
    share(),
  );
  const liveEvents$: Observable<readonly ChainEvent[]> = messages$.pipe(
    filter((message) => message.type === "log"),
    map((message) => tryToDecode(message.log)),
    filter((event) => event !== undefined),
    filter(({ at }) => heard(at.blockNumber)),
    map((event) => [event]),
  );
  return { head$, liveEvents$ };
}

/** A log that is malformed is left to the scanner: an exception would end the stream. */
function tryToDecode(log: RpcLog): ChainEvent | undefined {
  try {
    return decodeEvent(log);
  } catch {
    return undefined;
  }
}
