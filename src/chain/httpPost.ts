import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { urlToHttpOptions } from "node:url";
import { longestAnswer } from "./exchange.ts";

export type HttpAnswer = {
  readonly status: number;
  /** The header `Retry-After`, as it came. */
  readonly retryAfter: string | undefined;
  readonly text: string;
};

type HttpPost = (body: string) => Promise<HttpAnswer>;

/** Nothing came in time. */
export class TimeoutError extends Error {}

/** More came than is read. */
export class TooLongError extends Error {}

type HttpPostOptions = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bounds the whole request. */
  readonly timeoutMs: number;
  /** A longer answer ends its connection. @default 8388608 */
  readonly maxBytes?: number | undefined;
};

/** What a piece of an answer takes in memory beside its bytes: a server may send them one by one. */
const bytesPerPiece = 512;
/** Answers of full length that one endpoint may have under way. */
const longAtOnce = 4;

/**
 * Posts to one URL over connections that are kept. `fetch` does the same at four times the price in processor time, which
 * counts where a payment waits for three answers. A redirect is an answer like any other: it is not followed.
 *
 * @throws TimeoutError; TooLongError; and what the network says, with a `code` such as ECONNREFUSED.
 */
export function openHttpPost({ url, headers, timeoutMs, maxBytes = longestAnswer }: HttpPostOptions): HttpPost {
  const target = urlToHttpOptions(new URL(url));
  // A flat list goes out as it is; names and values of an object are looked at one by one, each time.
  const fixed = ["host", new URL(url).host, ...Object.entries(headers).flat()];
  const isSecure = target.protocol === "https:";
  const agent = isSecure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const request = isSecure ? httpsRequest : httpRequest;

  /** What has come of answers that are not whole yet. */
  let held = 0;

  /** By its events: iterating over it costs several turns more, of each answer that a payment waits for. */
  const read = (answer: IncomingMessage, resolve: (answer: HttpAnswer) => void, reject: (error: Error) => void) => {
    const chunks: Buffer[] = [];
    let own = 0;
    answer.on("data", (chunk: Buffer) => {
      if (answer.destroyed) return;
      const size = chunk.length + bytesPerPiece;
      own += size;
      held += size;
      chunks.push(chunk);
      if (own <= maxBytes && held <= longAtOnce * maxBytes) return;
      chunks.length = 0;
      reject(new TooLongError(`an answer of more than ${maxBytes} bytes is too large`));
      answer.destroy();
    });
    answer.on("error", reject);
    answer.on("close", () => {
      held -= own;
    });
    answer.on("end", () => {
      try {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers["retry-after"], text });
      } catch (error) {
        // An exception in here would end the process.
        reject(error as Error);
      }
    });
  };

  const once = (body: string): Promise<HttpAnswer> => {
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const all = [...fixed, "content-length", String(Buffer.byteLength(body))];
    const sent = request({ ...target, method: "POST", agent, setHost: false, headers: all }, (answer) => {
      read(answer, resolve, reject);
    });
    const timer = setTimeout(() => sent.destroy(new TimeoutError(`no answer within ${timeoutMs} ms`)), timeoutMs);
    sent.on("error", (error) => reject(wasStale(error, sent.reusedSocket) ? new StaleError() : error));
    sent.on("close", () => clearTimeout(timer));
    sent.end(body);
    return promise;
  };
  return async (body) => {
    try {
      return await once(body);
    } catch (error) {
      if (!(error instanceof StaleError)) throw error;
      // The server had closed a kept connection at the moment that it was used; whatever is posted may be posted twice.
      return once(body);
    }
  };
}

class StaleError extends Error {}

const wasStale = (error: NodeJS.ErrnoException, isReused: boolean): boolean =>
  isReused && (error.code === "ECONNRESET" || error.code === "EPIPE");
