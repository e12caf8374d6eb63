import { Observable, retry, timeout, timer } from "rxjs";
import type { Clock } from "../clock.ts";
import { RetryableError } from "../errors.ts";
import type { RpcLog } from "../protocol/events.ts";
import type { Head } from "./chainPort.ts";
import { toHead, type WireBlock } from "./wire.ts";

export type SocketMessage =
  | { readonly type: "up" }
  | { readonly type: "log"; readonly log: RpcLog }
  | { readonly type: "head"; readonly head: Head }
  | { readonly type: "heartbeat" };

export type RpcSocketOptions = {
  readonly url: string;
  /** Filter of `eth_subscribe("logs", …)`. */
  readonly logs: { readonly address: string; readonly topics: readonly (readonly string[])[] };
  readonly clock: Clock;
  /** How often the node is asked for a sign of life, in ms; twice as long without one, and the socket is given up. */
  readonly heartbeatMs: number;
  /** Longest pause between two tries, in ms; the first is a 32nd of it, each next one twice as long. */
  readonly maxBackoffMs: number;
  /** Between 0 and 1, for the jitter. */
  readonly random: () => number;
  readonly onDown: (error: Error, retryInMs: number) => void;
  /** Reads a message; `undefined`: not worth a look. @default JSON.parse */
  readonly parse?: (text: string) => unknown;
};

/**
 * Heads and logs over one WebSocket, for ever: whatever ends a connection (a close, a refused subscription, silence)
 * leads to the next, after a capped and jittered pause. What happened in between is the scanner's to find.
 *
 * Cold: subscribing opens the socket, unsubscribing closes it. Never completes, never errors.
 */
export function rpcSocket$(options: RpcSocketOptions): Observable<SocketMessage> {
  const { clock, heartbeatMs, maxBackoffMs, random, onDown } = options;
  return connection$(options).pipe(
    timeout({ each: 2 * heartbeatMs, scheduler: clock.scheduler }),
    retry({
      resetOnSuccess: true,
      delay: (error, count) => {
        const pause = Math.min(maxBackoffMs, (maxBackoffMs / 32) * 2 ** Math.min(count - 1, 10));
        const jittered = Math.round(pause * (0.5 + random() / 2));
        onDown(error, jittered);
        return timer(jittered, clock.scheduler);
      },
    }),
  );
}

type WireMessage = {
  readonly id?: number;
  readonly error?: { readonly message?: string };
  readonly method?: string;
  readonly result?: unknown;
  readonly params?: { readonly subscription: string; readonly result: unknown };
};

const requests = { heads: 1, logs: 2, heartbeat: 3 } as const;

function connection$({
  url,
  logs,
  clock,
  heartbeatMs,
  parse = JSON.parse,
}: RpcSocketOptions): Observable<SocketMessage> {
  return new Observable((subscriber) => {
    const subscriptions = new Map<string, "heads" | "logs">();
    const socket = new WebSocket(url);
    const heartbeat = timer(heartbeatMs, heartbeatMs, clock.scheduler).subscribe(() => {
      if (socket.readyState === WebSocket.OPEN) send(requests.heartbeat, "eth_blockNumber", []);
    });
    const send = (id: number, method: string, params: readonly unknown[]) =>
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    const fail = (why: string) =>
      subscriber.error(
        new RetryableError(`the WebSocket to ${new URL(url).host} ended: ${why}`, { code: "SOCKET_DOWN" }),
      );

    socket.onopen = () => {
      send(requests.heads, "eth_subscribe", ["newHeads"]);
      send(requests.logs, "eth_subscribe", ["logs", logs]);
    };
    socket.onmessage = ({ data }) => {
      try {
        const message = parse(String(data));
        if (message !== undefined) receive(message as WireMessage);
      } catch {
        // An exception in here would end the process.
        fail("a message is not what it should be");
      }
    };
    const receive = (message: WireMessage) => {
      if (message.error) return fail(`the node refused: ${String(message.error.message).slice(0, 200)}`);
      if (message.id === requests.heartbeat) return subscriber.next({ type: "heartbeat" });
      if (message.id === requests.heads || message.id === requests.logs) {
        subscriptions.set(String(message.result), message.id === requests.heads ? "heads" : "logs");
        if (subscriptions.size === 2) subscriber.next({ type: "up" });
        return;
      }
      const { subscription, result } = message.params ?? { subscription: "", result: undefined };
      const kind = subscriptions.get(subscription);
      if (kind === "heads") subscriber.next({ type: "head", head: toHead(result as WireBlock) });
      if (kind === "logs") subscriber.next({ type: "log", log: result as RpcLog });
    };
    socket.onerror = () => fail("it cannot be reached, or broke");
    socket.onclose = ({ code }) => fail(`closed (${code})`);

    return () => {
      heartbeat.unsubscribe();
      socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
      socket.onerror = () => undefined;
      socket.close();
    };
  });
}
