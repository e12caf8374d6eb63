import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { decoderOf } from "./contentEncoding.ts";
import { type Failure, failed, failureOf, PayloadError, tooLarge } from "./failure.ts";

/** Bounds on what compression may hide. */
const compressionLimits = {
  /** Decoded bytes a byte on the wire, once there are more than `freeBytes`. */
  ratio: 250,
  freeBytes: 65_536,
  /** What a format may add to a body that it cannot shorten. */
  overheadBytes: 1_024,
} as const;

/**
 * What the connection may carry beside the body, once there are more than `freeBytes`. Pieces are joined before they are seen here, and one of a
 * byte takes as long as some hundred bytes do: the pieces' own heads tell of them.
 */
const framingLimits = { ratio: 1, freeBytes: 524_288 } as const;

/**
 * Reads and decodes a body, counting on the wire and after decompression, and stops in the middle of what is too much.
 *
 * @param maxBytes Of the decoded body.
 */
export async function collectBody(
  response: IncomingMessage,
  maxBytes: number,
  signal: AbortSignal,
): Promise<{ readonly ok: true; readonly body: Uint8Array } | Failure> {
  const maxWire = maxBytes + compressionLimits.overheadBytes;
  const count = { wire: 0, body: 0 };
  const chunks: Uint8Array[] = [];
  const { socket } = response;
  const before = socket.bytesRead;

  const meter = async function* (source: AsyncIterable<Uint8Array>) {
    for await (const chunk of source) {
      count.wire += chunk.length;
      if (count.wire > maxWire) throw new PayloadError(tooLarge(maxBytes));
      const framing = socket.bytesRead - before - count.wire;
      if (framing > framingLimits.freeBytes + framingLimits.ratio * count.wire)
        throw new PayloadError(failed("comes in pieces that are too small"));
      yield chunk;
    }
  };
  const keep = async (source: AsyncIterable<Uint8Array>) => {
    const { freeBytes, ratio } = compressionLimits;
    for await (const chunk of source) {
      count.body += chunk.length;
      if (count.body > maxBytes) throw new PayloadError(tooLarge(maxBytes));
      if (count.body > freeBytes && count.body > ratio * count.wire) {
        throw new PayloadError(failed(`decompresses to more than ${ratio} times its size`));
      }
      chunks.push(chunk);
    }
  };
  try {
    const decoder = decoderOf(response.headers["content-encoding"] ?? "");
    if (!decoder) throw new PayloadError(failed("the content encoding is not supported"));
    if (Number(response.headers["content-length"]) > maxWire) throw new PayloadError(tooLarge(maxBytes));
    await pipeline(response, meter, decoder, keep, { signal });
    return { ok: true, body: Buffer.concat(chunks) };
  } catch (error) {
    response.destroy();
    return whyBroken(signal.aborted ? signal.reason : error);
  }
}

function whyBroken(error: unknown): Failure {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (/^(Z_|ERR_BROTLI|ERR__ERROR_FORMAT|ZSTD_|ERR_ZSTD)/.test(code)) return failed("the compressed body is broken");
  if (/^(ECONNRESET|ERR_STREAM_PREMATURE_CLOSE)$/.test(code)) return failed("the connection closed early", true);
  return failureOf(error);
}
