import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { answer, childArgs } from "../harness/child.ts";
import { createFeed, subscription } from "./feed.ts";

/**
 * The process that plays a node over a WebSocket: whoever subscribes to logs at `/COUNT` gets that many messages as fast
 * as it can take them. They are made before anybody connects; every connection gets the same ones.
 */
const [seed, count] = childArgs<[number, number]>();
const framesPerWrite = 100;

const feed = createFeed(seed);
const chunks: Buffer[] = [];
for (let made = 0; made < count; made += framesPerWrite) {
  chunks.push(Buffer.concat(feed.next(framesPerWrite).map((text) => frame(text))));
}

function frame(text: string): Buffer {
  const body = Buffer.from(text, "latin1");
  if (body.length < 126) return Buffer.concat([Buffer.from([0x81, body.length]), body]);
  return Buffer.concat([Buffer.from([0x81, 126, body.length >> 8, body.length & 255]), body]);
}

function push(socket: Socket, messages: number): void {
  let sent = 0;
  const go = () => {
    while (sent * framesPerWrite < messages) {
      const chunk = chunks[sent++];
      if (chunk === undefined) return;
      if (!socket.write(chunk)) return void socket.once("drain", go);
    }
  };
  go();
}

/** Client frames are masked, and short enough to be whole. */
function* requestsIn(buffer: Buffer): Generator<{ id: number; method: string; params: unknown[] }> {
  let at = 0;
  while (at + 6 <= buffer.length) {
    let length = (buffer[at + 1] ?? 0) & 127;
    let header = 2;
    if (length === 126) {
      length = buffer.readUInt16BE(at + 2);
      header = 4;
    }
    const mask = buffer.subarray(at + header, at + header + 4);
    const body = Buffer.from(buffer.subarray(at + header + 4, at + header + 4 + length));
    for (let index = 0; index < body.length; index++) body[index] = (body[index] ?? 0) ^ (mask[index & 3] ?? 0);
    const isText = ((buffer[at] ?? 0) & 15) === 1;
    at += header + 4 + length;
    if (isText) yield JSON.parse(body.toString());
  }
}

const server = createServer();
server.on("upgrade", ({ headers, url = "/" }, socket: Socket) => {
  const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = createHash("sha1").update(`${headers["sec-websocket-key"]}${magic}`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on("error", () => socket.destroy());
  socket.on("data", (buffer) => {
    for (const { id, method, params } of requestsIn(buffer)) {
      const isLogs = method === "eth_subscribe" && params[0] === "logs";
      socket.write(frame(JSON.stringify({ jsonrpc: "2.0", id, result: isLogs ? subscription : "0x1" })));
      if (isLogs) setTimeout(push, 50, socket, Number(url.slice(1)));
    }
  });
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as { port: number };
  answer({ port, ourTasks: feed.ourTasks(), ourResponses: feed.ourResponses() });
});
