import { Socket } from "node:net";
import { splitCredentials } from "./endpoints/splitCredentials.ts";

type OpenedWebSocket = {
  readonly socket: WebSocket;
  /** Ends it for good, whether or not the other side takes part. */
  readonly terminate: () => void;
  /** Why it could not be opened, as far as it is known: a status such as `HTTP 401`, or a code such as ECONNREFUSED. */
  readonly refusal: () => string | undefined;
  /** Lets the process end while it is open. */
  readonly unref: () => void;
};

type Dispatcher = NonNullable<Exclude<ConstructorParameters<typeof WebSocket>[1], string | string[]>>["dispatcher"];

/**
 * Opens a WebSocket with Node's own client. The user part of the URL becomes an `Authorization` header, as in a browser's
 * prompt; nothing else sends it.
 *
 * `WebSocket.close()` waits for the other side to close too: a node that hangs would keep the connection, and one more
 * after each reconnect. So the TCP socket is caught on its way through the dispatcher, to be destroyed. Where a future
 * Node lets nothing through there, `terminate` closes politely and no more; a test would tell.
 */
export function openWebSocket(url: string): OpenedWebSocket {
  const { address, authorization } = splitCredentials(url);
  let tcp: Socket | undefined;
  let isOver = false;
  let refusal: string | undefined;
  const dispatcher = watchedDispatcher({
    onSocket: (caught) => {
      tcp = caught;
      if (isOver) tcp.destroy();
    },
    onRefusal: (why) => {
      refusal = why;
    },
  });
  const socket = new WebSocket(address, {
    ...(authorization && { headers: { authorization } }),
    ...(dispatcher && { dispatcher }),
  });
  return {
    socket,
    terminate: () => {
      isOver = true;
      socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
      socket.close();
      tcp?.destroySoon();
    },
    refusal: () => refusal,
    unref: () => void tcp?.unref(),
  };
}

type Overheard = { readonly onSocket: (socket: Socket) => void; readonly onRefusal: (why: string) => void };

/** Node's own dispatcher, and whoever hands a TCP socket through it, or says why there is none, is overheard. */
function watchedDispatcher({ onSocket, onRefusal }: Overheard): Dispatcher {
  // Merely naming WebSocket loads the client that sets the dispatcher.
  void globalThis.WebSocket;
  const own = (globalThis as Record<symbol, unknown>)[Symbol.for("undici.globalDispatcher.1")];
  if (typeof own !== "object" || own === null) return undefined;
  const watched = overheard(own, (name, method, args) => {
    if (name !== "dispatch") return method(...args);
    const [request, handler] = args as [unknown, object];
    const listening = overheard(handler, (event, handle, given) => {
      for (const each of given) if (each instanceof Socket) onSocket(each);
      if (event === "onHeaders") onRefusal(`HTTP ${given[0]}`);
      if (event === "onError") onRefusal(codeOf(given[0]) ?? "the connection failed");
      return handle(...given);
    });
    return method(request, listening);
  });
  return watched as Dispatcher;
}

/** What the client itself breaks off has a number there, which says nothing. */
const codeOf = (error: unknown): string | undefined => {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
};

type Call = (...args: unknown[]) => unknown;

/** The same object, but `around` sees every call. Its private fields stay its own. */
const overheard = (target: object, around: (name: string | symbol, method: Call, args: unknown[]) => unknown): object =>
  new Proxy(target, {
    get: (real, name) => {
      const value: unknown = Reflect.get(real, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => around(name, (...given) => value.apply(real, given), args);
    },
    set: (real, name, value) => Reflect.set(real, name, value),
  });
