import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { frameOf, readFrame } from "./webSocketServer.ts";

/** What goes wrong with whatever crosses the proxy from now on. */
export type Fault =
  /** Nothing. */
  | { readonly kind: "none" }
  /** Open connections are reset, new ones too. */
  | { readonly kind: "cut" }
  /** Connections stay open and bytes are swallowed, in both directions. */
  | { readonly kind: "silent" }
  /** WebSockets are refused with this status; HTTP goes through. */
  | { readonly kind: "upgrade-refused"; readonly status: number }
  /** WebSockets open, `eth_subscribe` is refused; HTTP goes through. */
  | { readonly kind: "subscribe-refused" }
  /** WebSockets stay open but nothing more is pushed; HTTP goes through. */
  | { readonly kind: "socket-silent" }
  /** Whatever is asked is refused with this word, over HTTP and over WebSockets that are open already; those bring no more. */
  | { readonly kind: "revoked"; readonly code: number; readonly message: string }
  /** So many of ten HTTP requests are answered with 429. */
  | { readonly kind: "busy"; readonly ofTen: number };

export type FaultProxy = {
  readonly http: string;
  readonly ws: string;
  readonly set: (fault: Fault) => void;
  /** Ends every open WebSocket, as a restarting balancer does. */
  readonly dropSockets: () => void;
  readonly openSockets: () => number;
  readonly stop: () => Promise<void>;
};

const isSilent = ({ kind }: Fault): boolean => kind === "socket-silent" || kind === "revoked";

/** A TCP proxy in front of a node, for HTTP and WebSocket on one port. */
export async function startFaultProxy(target: { readonly port: number }): Promise<FaultProxy> {
  let fault: Fault = { kind: "none" };
  let requests = 0;
  const clients = new Set<Socket>();
  const sockets = new Set<Socket>();

  const server = createServer((client) => {
    clients.add(client);
    client.on("error", () => undefined);
    client.on("close", () => {
      clients.delete(client);
      sockets.delete(client);
    });
    if (fault.kind === "cut") return void client.resetAndDestroy();
    const upstream = connect(target.port, "127.0.0.1");
    upstream.on("error", () => client.destroy());
    upstream.on("close", () => client.end());
    client.on("close", () => upstream.destroy());
    let upgraded = false;
    let buffered = Buffer.alloc(0);

    const fromSocket = (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      for (let frame = readFrame(buffered); frame; frame = readFrame(buffered)) {
        const bytes = buffered.subarray(0, frame.length);
        buffered = buffered.subarray(frame.length);
        if (fault.kind === "revoked") {
          const { code, message } = fault;
          const refused = (JSON.parse(`[${frame.text}]`).flat() as { readonly id: number }[]).map(({ id }) => ({
            ...{ jsonrpc: "2.0", id, error: { code, message } },
          }));
          client.write(frameOf(JSON.stringify(refused.length === 1 ? refused[0] : refused)));
        } else if (fault.kind === "subscribe-refused" && frame.text.includes("eth_subscribe")) {
          const { id } = JSON.parse(frame.text);
          const error = { code: -32000, message: "too many subscriptions" };
          client.write(frameOf(JSON.stringify({ jsonrpc: "2.0", id, error })));
        } else upstream.write(bytes);
      }
    };
    client.on("data", (chunk: Buffer) => {
      if (fault.kind === "silent") return;
      if (upgraded) return fromSocket(chunk);
      const head = chunk.toString("latin1");
      if (/^GET [\s\S]*upgrade: websocket/i.test(head)) {
        if (fault.kind === "upgrade-refused") {
          return void client.end(
            `HTTP/1.1 ${fault.status} Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
          );
        }
        upgraded = true;
        sockets.add(client);
      } else if (fault.kind === "revoked") {
        const { code, message } = fault;
        const body = JSON.stringify({ jsonrpc: "2.0", id: null, error: { code, message } });
        const head = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`;
        return void client.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`);
      } else if (fault.kind === "busy" && head.startsWith("POST") && requests++ % 10 < fault.ofTen) {
        const answer =
          "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return void client.end(answer);
      }
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (fault.kind === "silent" || (upgraded && isSilent(fault))) return;
      client.write(chunk);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    http: `http://127.0.0.1:${port}`,
    ws: `ws://127.0.0.1:${port}`,
    set: (next) => {
      fault = next;
      if (next.kind === "cut") for (const client of clients) client.resetAndDestroy();
    },
    dropSockets: () => {
      for (const socket of sockets) socket.destroy();
    },
    openSockets: () => sockets.size,
    stop: async () => {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
