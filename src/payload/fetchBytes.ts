import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { type Egress, guardedLookup, privateHost, refusal } from "./egress.ts";
import type { FetchLimits } from "./payloadPort.ts";

export type Fetched =
  | { readonly ok: true; readonly body: Uint8Array }
  /** `error` is a constant text, a status or an error code: never a piece of the answer or of the URL. */
  | { readonly ok: false; readonly error: string; readonly transient: boolean };

/**
 * Fetches a stranger's URL: one deadline for everything, bytes counted as they arrive and cut at the limit, no
 * redirect, no compression, no private network. Never rejects.
 */
export function fetchBytes(url: URL, { maxBytes, timeoutMs }: FetchLimits, egress: Egress): Promise<Fetched> {
  const refused = refusal(url, egress);
  if (refused) return Promise.resolve(failed(refused));
  const secure = url.protocol === "https:";
  // One connection for one fetch: what a stranger's server does to a socket ends with it.
  const agent = secure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
  return new Promise((resolve) => {
    const request = (secure ? httpsRequest : httpRequest)(url, {
      agent,
      lookup: guardedLookup(url, egress),
      maxHeaderSize: 16_384,
      headers: { "accept-encoding": "identity", accept: "application/json, */*;q=0.1", "user-agent": "ogpu-confirmd" },
    });
    const settle = (fetched: Fetched) => {
      clearTimeout(deadline);
      resolve(fetched);
      request.destroy();
      agent.destroy();
    };
    const deadline = setTimeout(() => settle(failed(`timed out after ${timeoutMs} ms`, true)), timeoutMs);
    request.on("error", (error) => settle(connectionFailure(error)));
    request.on("close", () => settle(failed("the connection closed early", true)));
    request.on("response", (response) => {
      const unwanted = refuseHead(response, maxBytes);
      if (unwanted) settle(unwanted);
      else collect(response, maxBytes, settle);
    });
    request.end();
  });
}

function refuseHead({ statusCode = 0, headers }: IncomingMessage, maxBytes: number): Fetched | undefined {
  if (statusCode >= 300 && statusCode < 400) return failed("redirects are not followed");
  if (statusCode !== 200) return failed(`HTTP ${statusCode}`, statusCode === 429 || statusCode >= 500);
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.trim().toLowerCase() !== "identity") return failed("a compressed answer is refused");
  return Number(headers["content-length"]) > maxBytes ? tooLarge(maxBytes) : undefined;
}

function collect(response: IncomingMessage, maxBytes: number, settle: (fetched: Fetched) => void): void {
  const chunks: Uint8Array[] = [];
  let size = 0;
  response.on("data", (chunk: Uint8Array) => {
    size += chunk.length;
    if (size > maxBytes) settle(tooLarge(maxBytes));
    else chunks.push(chunk);
  });
  response.on("error", (error) => settle(connectionFailure(error)));
  response.on("end", () => {
    settle(response.complete ? { ok: true, body: Buffer.concat(chunks) } : failed("the connection closed early", true));
  });
}

function connectionFailure(error: NodeJS.ErrnoException): Fetched {
  if (error.code === "EPRIVATE") return failed(privateHost);
  const code = /^[A-Z0-9_]{1,40}$/.test(error.code ?? "") ? error.code : "unknown";
  return failed(`the connection failed: ${code}`, true);
}

const failed = (error: string, transient = false): Fetched => ({ ok: false, error, transient });
const tooLarge = (maxBytes: number): Fetched => failed(`larger than ${maxBytes} bytes`);
