import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { type HostileRow, late, timedOut, urlOf } from "./row.ts";

/** Sends a head, then a few bytes every few milliseconds, until the other side is gone. */
const drip = (what: string, reason: string, head: string | Uint8Array, piece: string | Uint8Array): HostileRow => [
  what,
  reason,
  ({ tcp }) => {
    const onSocket = (socket: Socket) => {
      socket.write(head);
      const timer = setInterval(() => socket.write(piece), 5);
      socket.on("close", () => clearInterval(timer));
    };
    return urlOf(tcp(onSocket));
  },
];

const ok = "HTTP/1.1 200 OK\r\n";
const openGzip = gzipSync("{}").subarray(0, 10);

export const time: readonly HostileRow[] = [
  drip("a head that drips", late, `${ok}x-a: `, "x"),
  drip("heads without end", late, "", "HTTP/1.1 103 Early Hints\r\n\r\n"),
  drip("a body that drips", timedOut, `${ok}content-length: 900000\r\n\r\n`, "x"),
  drip("chunks that drip", timedOut, `${ok}transfer-encoding: chunked\r\n\r\n`, "1\r\nx\r\n"),
  drip(
    "a compressed body that drips",
    timedOut,
    Buffer.concat([Buffer.from(`${ok}content-encoding: gzip\r\ncontent-length: 900000\r\n\r\n`), openGzip]),
    Uint8Array.of(0, 0, 0, 0xff, 0xff),
  ),
  ["silence", late, ({ tcp }) => urlOf(tcp(() => {}))],
  [
    "a body that stops in the middle",
    timedOut,
    ({ tcp }) => urlOf(tcp((socket) => void socket.write(`${ok}content-length: 9\r\n\r\n{`))),
  ],
  [
    "a name server that never answers",
    late,
    () => ({ data: "http://slow.example/", options: { lookup: () => new Promise(() => {}) } }),
  ],
];
