import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** One connection as the server sees it. */
export type Peer = {
  /** As a text frame. */
  readonly send: (message: unknown) => void;
  /** As they are: frames of any other kind, or none. */
  readonly sendBytes: (bytes: Uint8Array) => void;
  /** Cuts the connection without a word. */
  readonly cut: () => void;
  /** Says that it closes, and closes. @param code Why, as RFC 6455 numbers it. @default none is told. @param reason In words. */
  readonly close: (code?: number, reason?: string) => void;
};

export type WebSocketServer = {
  readonly port: number;
  readonly url: string;
  /** Connections so far. */
  readonly count: () => number;
  /** Connections that are open, on the TCP level. */
  readonly open: () => number;
  readonly stop: () => Promise<void>;
};

type Handlers = {
  /** @param connection Counts from 1. */
  readonly onMessage: (
    message: { id: number; method: string; params: unknown[] },
    peer: Peer,
    connection: number,
  ) => void;
  /** Called with the headers of each upgrade. */
  readonly onUpgrade?: (headers: IncomingHttpHeaders) => void;
  /** It does not answer a closing handshake, as a node that hangs. @default false */
  readonly ignoresClose?: boolean;
};

const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** A WebSocket server that knows just enough of RFC 6455 to play a node. */
export async function startWebSocketServer(
  { onMessage, onUpgrade, ignoresClose = false }: Handlers,
  { port = 0 } = {},
): Promise<WebSocketServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer();
  server.on("upgrade", (request, socket: Socket) => {
    sockets.add(socket);
    onUpgrade?.(request.headers);
    const connection = ++connections;
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.on("end", () => socket.end());
    const peer = acceptWebSocket({ request, socket, ignoresClose }, (message) =>
      onMessage(message as Parameters<typeof onMessage>[0], peer, connection),
    );
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: open } = server.address() as AddressInfo;
  return {
    port: open,
    url: `ws://127.0.0.1:${open}`,
    count: () => connections,
    open: () => sockets.size,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

type Opening = {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** As in `Handlers`. */
  readonly ignoresClose?: boolean;
};

/** Takes an upgrade. @param onMessage What came in a text frame, parsed. */
export function acceptWebSocket(
  { request, socket, ignoresClose = false }: Opening,
  onMessage: (message: unknown) => void,
): Peer {
  const key = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${magic}`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`,
  );
  let buffered = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (let frame = readFrame(buffered); frame; frame = readFrame(buffered)) {
      buffered = buffered.subarray(frame.length);
      if (frame.opcode === 8 && !ignoresClose) socket.end();
      if (frame.opcode === 1) onMessage(JSON.parse(frame.text));
    }
  });
  return {
    send: (message) => void socket.write(frameOf(typeof message === "string" ? message : JSON.stringify(message))),
    sendBytes: (bytes) => void socket.write(bytes),
    cut: () => socket.destroy(),
    close: (code, reason = "") => {
      const head = code ? [0x88, 2 + reason.length, code >> 8, code & 0xff] : [0x88, 0];
      socket.end(Buffer.concat([Buffer.from(head), Buffer.from(code ? reason : "")]));
    },
  };
}

/** An unmasked text frame. */
export function frameOf(text: string): Buffer {
  const body = Buffer.from(text);
  if (body.length < 126) return Buffer.concat([Buffer.from([0x81, body.length]), body]);
  const header = Buffer.alloc(body.length < 65_536 ? 4 : 10);
  header[0] = 0x81;
  header[1] = body.length < 65_536 ? 126 : 127;
  if (body.length < 65_536) header.writeUInt16BE(body.length, 2);
  else header.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([header, body]);
}

/** The first whole masked frame of a buffer. */
export function readFrame(buffer: Buffer): { opcode: number; text: string; length: number } | undefined {
  if (buffer.length < 2) return undefined;
  const short = (buffer[1] ?? 0) & 0x7f;
  const start = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (buffer.length < start + 4) return undefined;
  const size = start === 10 ? Number(buffer.readBigUInt64BE(2)) : start === 4 ? buffer.readUInt16BE(2) : short;
  const length = start + 4 + size;
  if (buffer.length < length) return undefined;
  const mask = buffer.subarray(start, start + 4);
  const body = Buffer.from(buffer.subarray(start + 4, length)).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return { opcode: (buffer[0] ?? 0) & 0x0f, text: Buffer.from(body).toString(), length };
}
