import { defer, type Observable, retry, tap, timer } from "rxjs";
import { type SocketConnectionOptions, type SocketMessage, socketConnection$ } from "./socketConnection.ts";

export type { SocketMessage } from "./socketConnection.ts";

export type RpcSocketOptions = Omit<SocketConnectionOptions, "url"> & {
  /** One is open at a time; the next takes over when it fails. One at least. */
  readonly urls: readonly string[];
  /** Longest pause between two tries, in ms; the first is a 32nd of it, each next one twice as long. */
  readonly maxBackoffMs: number;
  /** Between 0 and 1, for the jitter. */
  readonly random: () => number;
  /** @param endpoint Host and port alone. */
  readonly onUp?: (endpoint: string) => void;
  readonly onDown: (error: Error, retryInMs: number) => void;
};

/**
 * Heads and logs over one WebSocket, for ever: whatever ends a connection (a close, a refused subscription, silence)
 * leads to the next, after a capped and jittered pause. What happened in between is the scanner's to find.
 *
 * The pause grows until a connection has proven useful: a node that takes subscriptions and then closes is no better than
 * one that refuses them.
 *
 * Cold: subscribing opens the socket, unsubscribing closes it. Never completes, never errors.
 */
export function rpcSocket$({ urls, ...options }: RpcSocketOptions): Observable<SocketMessage> {
  const { clock, maxBackoffMs, random, onUp, onDown } = options;
  return defer(() => {
    let turn = 0;
    let failures = 0;
    const next$ = defer(() => {
      const url = urls[turn % urls.length] as string;
      return socketConnection$({ ...options, url }).pipe(
        tap(({ type }) => {
          if (type === "up") onUp?.(new URL(url).host);
          else failures = 0;
        }),
      );
    });
    return next$.pipe(
      retry({
        delay: (error) => {
          turn += 1;
          failures += 1;
          // All the others are tried before the pause grows.
          const round = Math.ceil(failures / urls.length) - 1;
          const pause = Math.min(maxBackoffMs, (maxBackoffMs / 32) * 2 ** Math.min(round, 10));
          const jittered = Math.round(pause * (0.5 + random() / 2));
          onDown(error, jittered);
          return timer(jittered, clock.scheduler);
        },
      }),
    );
  });
}
