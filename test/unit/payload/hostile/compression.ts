import { brotliCompressSync, gzipSync } from "node:zlib";
import { brotliBomb, deflateBomb, gzipBomb, zstdBomb, zstdWindowBomb } from "../support/bombs.ts";
import { type HostileRow, tooLarge, urlOf } from "./row.ts";

const broken = "the compressed body is broken";
const ratio = "decompresses to more than 250 times its size";
const unknown = "the content encoding is not supported";

const row = (what: string, reason: string, encoding: string, body: () => Uint8Array | Promise<Buffer>): HostileRow => [
  what,
  reason,
  async ({ reply }) => urlOf(reply(await body(), { "content-encoding": encoding })),
];

export const compression: readonly HostileRow[] = [
  row("gzip bomb of 1 GiB", tooLarge, "gzip", gzipBomb),
  row("brotli bomb of 256 MiB", ratio, "br", brotliBomb),
  row("deflate bomb of 64 MiB", tooLarge, "deflate", deflateBomb),
  row("zstd bomb of 256 MiB", tooLarge, "zstd", zstdBomb),
  row("zstd that wants a window of 128 MiB", broken, "zstd", zstdWindowBomb),
  row("gzip within gzip", unknown, "gzip, gzip", () => gzipSync(gzipSync("{}"))),
  row("an encoding that nobody knows", unknown, "secret", () => Buffer.from("{}")),
  row("gzip that is none", broken, "gzip", () => Buffer.from("{}")),
  row("gzip that is cut off", broken, "gzip", () => gzipSync('{"a": "secret"}').subarray(0, 20)),
  row("brotli that is cut off", broken, "br", () => brotliCompressSync('{"a": "secret"}').subarray(0, 9)),
  row("gzip with a wrong checksum", broken, "gzip", () =>
    Buffer.concat([gzipSync("{}").subarray(0, -8), Buffer.alloc(8)]),
  ),
];
