import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";

const megabyte = 1 << 20;
const answer = '{"label":"positive","confidence":0.97,"text":"';

/** A valid answer of 64 MiB: nothing is wrong with it but its size. */
export function* hugeBody(): Generator<Uint8Array | string> {
  yield answer;
  const chunk = new Uint8Array(megabyte).fill("a".charCodeAt(0));
  for (let sent = 0; sent < 64; sent++) yield chunk;
  yield '"}';
}

/** A valid answer, one byte a second, for as long as somebody reads. */
export async function* dripBody(response: ServerResponse): AsyncGenerator<string> {
  const closed = new AbortController();
  response.once("close", () => closed.abort());
  for (const byte of `${answer}${"a".repeat(3_600)}"}`) {
    yield byte;
    await sleep(1_000, undefined, { signal: closed.signal });
  }
}

/** Streams a body without a content length; a reader who leaves is no error. */
export async function sendBody(
  response: ServerResponse,
  body: Iterable<Uint8Array | string> | AsyncIterable<string>,
): Promise<void> {
  response.writeHead(200, { "content-type": "application/json" });
  await pipeline(Readable.from(body, { objectMode: false }), response).catch(() => response.destroy());
}
