import { EMPTY, Observable, Subscription, timer } from "rxjs";
import type { Clock } from "../clock.ts";
import { RetryableError } from "../errors.ts";
import type { RpcLog } from "../protocol/events.ts";
import type { Head } from "./chainPort.ts";
import { accountRefused, faultOfOpening } from "./endpoints/endpointError.ts";
import { accountFault } from "./endpoints/refusals.ts";
import { longestAnswer } from "./exchange.ts";
import { toRpcError, type WireError } from "./jsonRpc.ts";
import { openWebSocket } from "./openWebSocket.ts";
import { watchForSilence } from "./socketSilence.ts";
import { toHead, type WireBlock } from "./wire.ts";

export type SocketMessage =
  | { readonly type: "up" }
  | { readonly type: "log"; readonly log: RpcLog }
  | { readonly type: "head"; readonly head: Head }
  | { readonly type: "heartbeat" };

export type SocketConnectionOptions = {
  readonly url: string;
  /** Filter of `eth_subscribe("logs", …)`. */
  readonly logs: { readonly address: string; readonly topics: readonly (readonly string[])[] };
  readonly clock: Clock;
  /** How often the node is asked for a sign of life, in ms; one that is not answered by the next ends the connection. */
  readonly heartbeatMs: number;
  /** How long the socket may bring no head while `headOverHttp$` is ahead of it, in ms. @default 30000 */
  readonly silenceMs?: number | undefined;
  /** Numbers of the heads that were read over HTTP. @default none, and no such silence is noticed */
  readonly headOverHttp$?: Observable<bigint> | undefined;
  /** A node on another chain is refused. @default any chain is right */
  readonly chainId?: number | undefined;
  /** A longer message ends the connection: characters. @default 8388608 */
  readonly maxMessageLength?: number | undefined;
  /** Reads a message; `undefined`: not worth a look. @default JSON.parse */
  readonly parse?: ((text: string) => unknown) | undefined;
};

type WireMessage = {
  readonly id?: number;
  readonly error?: WireError;
  readonly result?: unknown;
  readonly params?: { readonly subscription: string; readonly result: unknown };
};

const requests = { heads: 1, logs: 2, chainId: 3, firstHeartbeat: 4 } as const;

/**
 * One WebSocket: subscribes to heads and logs, and watches that they keep coming. Errors with RetryableError when it ends,
 * for whatever reason; unsubscribing closes it.
 */
export function socketConnection$(options: SocketConnectionOptions): Observable<SocketMessage> {
  const { url, logs, clock, heartbeatMs, silenceMs = 30_000, headOverHttp$ = EMPTY, chainId } = options;
  const { maxMessageLength = longestAnswer, parse = JSON.parse } = options;
  return new Observable((subscriber) => {
    const { socket, terminate, refusal } = openWebSocket(url);
    const subscriptions = new Map<string, "heads" | "logs">();
    let isVerified = chainId === undefined;
    let isUp = false;
    let ticks = 0;
    let lastId: number = requests.firstHeartbeat - 1;
    let awaited: number | undefined;

    const send = (id: number, method: string, params: readonly unknown[]) =>
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    const fail = (why: string, remedy?: string) =>
      subscriber.error(
        new RetryableError(`the WebSocket to ${new URL(url).host} ended: ${why}`, {
          code: "SOCKET_DOWN",
          ...(remedy && { remedy }),
        }),
      );
    const silence = watchForSilence({ silenceMs, clock, onSilence: (why) => fail(why) });

    const tick = () => {
      if (!isUp && ++ticks < 2) return;
      if (!isUp) return fail(`it was not up within ${2 * heartbeatMs} ms`);
      if (awaited !== undefined) return fail(`a heartbeat was not answered within ${heartbeatMs} ms`);
      awaited = ++lastId;
      send(awaited, "eth_blockNumber", []);
    };

    const receive = (message: WireMessage) => {
      const refusal = message.error && toRpcError(message.error);
      const isOfAccount = refusal !== undefined && accountFault(refusal) !== undefined;
      // Any answer to a heartbeat is a sign of life, a refusal too; but whoever is refused as such is sent no logs either.
      if (!isOfAccount && message.id !== undefined && message.id === awaited) {
        awaited = undefined;
        return subscriber.next({ type: "heartbeat" });
      }
      if (refusal) {
        return fail(
          `the node refused: ${refusal.message.slice(0, 200)}`,
          isOfAccount ? accountRefused.remedy : undefined,
        );
      }
      if (message.id !== undefined) return answered(message.id, message.result);
      // Its blocks may be another chain's; what is passed over the scanner brings.
      if (!isVerified) return;
      const { subscription, result } = message.params ?? { subscription: "", result: undefined };
      const kind = subscriptions.get(subscription);
      if (kind === "heads") {
        const head = toHead(result as WireBlock);
        silence.onSocketHead(head.number);
        subscriber.next({ type: "head", head });
      }
      if (kind === "logs") subscriber.next({ type: "log", log: toLog(result as RpcLog) });
    };
    const answered = (id: number, result: unknown) => {
      if (id === requests.chainId && chainId !== undefined) {
        isVerified = Number(result) === chainId;
        if (!isVerified) return fail(`it serves chain ${Number(result)}, not chain ${chainId}`);
      }
      if (id === requests.heads) subscriptions.set(String(result), "heads");
      if (id === requests.logs) subscriptions.set(String(result), "logs");
      if (isUp || !isVerified || subscriptions.size < 2) return;
      isUp = true;
      silence.onUp();
      subscriber.next({ type: "up" });
    };

    socket.onopen = () => {
      if (chainId !== undefined) send(requests.chainId, "eth_chainId", []);
      send(requests.heads, "eth_subscribe", ["newHeads"]);
      send(requests.logs, "eth_subscribe", ["logs", logs]);
    };
    socket.onmessage = ({ data }) => {
      const text = String(data);
      if (text.length > maxMessageLength) return fail(`a message of ${text.length} characters`);
      try {
        const message = parse(text);
        if (message !== undefined) receive(message as WireMessage);
      } catch {
        // An exception in here would end the process.
        fail("a message is not what it should be");
      }
    };
    socket.onerror = () => {
      const why = refusal();
      fail(why ?? "it cannot be reached, or broke", faultOfOpening(why).remedy);
    };
    socket.onclose = ({ code }) => fail(`closed (${code})`);

    const watching = new Subscription();
    watching.add(timer(heartbeatMs, heartbeatMs, clock.scheduler).subscribe(tick));
    watching.add(headOverHttp$.subscribe(silence.onHttpHead));
    return () => {
      watching.unsubscribe();
      silence.stop();
      terminate();
    };
  });
}

/** @throws TypeError if it has not the shape of a log. */
function toLog(log: RpcLog): RpcLog {
  if (!Array.isArray(log.topics) || typeof log.data !== "string") throw new TypeError("not a log");
  return log;
}
