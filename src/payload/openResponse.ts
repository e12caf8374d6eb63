import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Agents } from "./agents.ts";
import { type Egress, guardedLookup } from "./egress.ts";
import { type Failure, failed, failureOf, PayloadError } from "./failure.ts";

type OpenOptions = {
  readonly accept: string;
  /** Milliseconds until the head of the answer must be complete. */
  readonly firstByteMs: number;
  readonly signal: AbortSignal;
  readonly agents: Agents;
  readonly egress: Egress;
};

/** One request, and the head of its answer; the body is the caller's. Redirects are not followed here. */
export function openResponse(
  url: URL,
  { accept, firstByteMs, signal, agents, egress }: OpenOptions,
): Promise<{ readonly ok: true; readonly response: IncomingMessage } | Failure> {
  const secure = url.protocol === "https:";
  return new Promise((resolve) => {
    const request = (secure ? httpsRequest : httpRequest)(url, {
      agent: secure ? agents.https : agents.http,
      lookup: guardedLookup(url, egress),
      maxHeaderSize: 16_384,
      signal,
      headers: { accept, "accept-encoding": "gzip, br, zstd, deflate", "user-agent": "ogpu-confirmd" },
    });
    const late = new PayloadError(failed(`no answer within ${firstByteMs} ms`, true));
    const timer = setTimeout(() => request.destroy(late), firstByteMs);
    const settle = (result: Awaited<ReturnType<typeof openResponse>>) => {
      clearTimeout(timer);
      resolve(result);
    };
    request.on("error", (error) => settle(failureOf(signal.aborted ? signal.reason : error)));
    request.on("close", () => settle(failed("the connection closed early", true)));
    request.on("response", (response) => {
      // A connection that breaks while nobody reads must not end the process.
      response.on("error", () => {});
      settle({ ok: true, response });
    });
    request.end();
  });
}
