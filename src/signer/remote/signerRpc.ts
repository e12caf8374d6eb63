import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError, RetryableError } from "../../errors.ts";
import { isLoopback } from "./isLoopback.ts";

export type SignerRpcOptions = {
  /** `https`, or `http` on the same machine. */
  readonly url: string;
  /** Milliseconds for one request, from its start to the last byte of its answer. */
  readonly timeoutMs: number;
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string | undefined;
  /** PEM. `ca` replaces the machine's own authorities. */
  readonly tls?: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  };
  /** Pauses before each further try of a request that did not get through, in milliseconds. @default [50, 250] */
  readonly pausesMs?: readonly number[];
};

export type SignerRpc = {
  /** Host and port: all of the URL that may be shown. */
  readonly name: string;
  /**
   * @throws RetryableError `SIGNER_UNREACHABLE` after all tries; `SIGNER_REFUSED` where it answered, and said no.
   */
  readonly call: (method: string, params: readonly unknown[]) => Promise<unknown>;
  readonly close: () => void;
};

/** No signed transaction of ours comes near it. */
const maxAnswerBytes = 1 << 20;

/**
 * JSON-RPC to a signer. A request is repeated only if it, or its answer, was lost on the way: to sign twice does no harm.
 * @throws ConfigError `SIGNER_INSECURE` for `http` to another machine, or if a certificate cannot be read.
 */
export function createSignerRpc(options: SignerRpcOptions): SignerRpc {
  const { token, tls = {}, pausesMs = [50, 250] } = options;
  const url = new URL(options.url);
  if (url.protocol !== "https:" && !isLoopback(url.hostname))
    throw new ConfigError(`the remote signer ${url.host} is asked over http, which others can read and change`, {
      code: "SIGNER_INSECURE",
      remedy: "use https, or run the signer on this machine",
    });
  const secure = url.protocol === "https:";
  const sockets = { keepAlive: true, maxSockets: 16 };
  const agent = secure ? new HttpsAgent({ ...sockets, ...given(tls) }) : new HttpAgent(sockets);
  const shown = (text: string) => (token ? text.replaceAll(token, "***") : text).slice(0, 300);
  let lastId = 0;

  const refused = (why: string, remedy: string) =>
    new RetryableError(`the remote signer ${url.host} refused: ${shown(why)}`, { code: "SIGNER_REFUSED", remedy });
  const unreachable = (why: string) =>
    new RetryableError(`the remote signer ${url.host} did not answer: ${shown(why)}`, {
      code: "SIGNER_UNREACHABLE",
      remedy:
        "nothing was signed as far as is known, and nothing was sent; see that it runs, and the signer.remote keys",
    });

  const post = async (body: string): Promise<{ readonly status: number; readonly text: string }> => {
    const signal = AbortSignal.timeout(options.timeoutMs);
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
    const request = (secure ? httpsRequest : httpRequest)(url, {
      agent,
      method: "POST",
      signal,
      headers: {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        ...(token && { authorization: `Bearer ${token}` }),
      },
    });
    request.on("error", reject);
    request.on("response", (response) => {
      collect(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    request.end(body);
    return promise;
  };

  const call = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    const id = ++lastId;
    const body = JSON.stringify({ jsonrpc: "2.0", id, method, params });
    for (let tries = 0; ; tries++) {
      try {
        return resultOf(await post(body), id);
      } catch (error) {
        if (error instanceof RetryableError) throw error;
        const reason = reasonOf(error, options.timeoutMs);
        const pause = pausesMs[tries];
        if (pause === undefined || isCertificateFault(reason)) throw unreachable(reason);
        await sleep(pause);
      }
    }
  };

  const resultOf = ({ status, text }: { status: number; text: string }, id: number): unknown => {
    if (status === 401 || status === 403)
      throw refused(`HTTP ${status}`, "check signer.remoteTokenFile, or the client's certificate");
    const answer = parseAnswer(text);
    if (answer?.error !== undefined && answer.error !== null)
      throw refused(String(answer.error.message ?? "without a reason"), "see the signer's own log and rules");
    if (status < 200 || status > 299) throw refused(`HTTP ${status}`, "see the signer's own log, and signer.remoteUrl");
    if (answer === undefined || answer.id !== id || answer.result === undefined)
      throw refused("its answer is no JSON-RPC", "see that signer.remoteUrl is the signer's");
    return answer.result;
  };

  return { name: url.host, call, close: () => agent.destroy() };
}

type WireAnswer = { id?: unknown; result?: unknown; error?: { message?: unknown } | null };

function parseAnswer(text: string): WireAnswer | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === "object" && answer !== null ? answer : undefined;
  } catch {
    return undefined;
  }
}

async function collect(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxAnswerBytes) {
      response.destroy();
      throw Object.assign(new Error(), { code: "an answer that is too long" });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Of a failure, what cannot hold a credential: its code. */
function reasonOf(error: unknown, timeoutMs: number): string {
  const { name, code } = error as NodeJS.ErrnoException;
  if (name === "TimeoutError" || name === "AbortError") return `no answer within ${timeoutMs} ms`;
  return code ?? "the connection failed";
}

/** Trying again does not change who is at the other end. */
const isCertificateFault = (reason: string): boolean =>
  /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|ERR_OSSL|HOSTNAME|too long/.test(reason);

const given = (tls: NonNullable<SignerRpcOptions["tls"]>) =>
  Object.fromEntries(Object.entries(tls).filter(([, pem]) => pem !== undefined));
