import { BaseError, exitCodes } from "../errors.ts";
import { EndpointError, type EndpointFault } from "./endpoints/endpointError.ts";
import { splitCredentials } from "./endpoints/splitCredentials.ts";
import { type HttpAnswer, openHttpPost, TimeoutError } from "./httpPost.ts";

export type RpcCall = { readonly method: string; readonly params: readonly unknown[] };

/** The node understood the request and refused it. */
export class RpcError extends BaseError {
  /** JSON-RPC error code, e.g. -32000; 3 where a call reverted (geth and its kin). */
  readonly rpcCode: number;
  /** What came with it; the revert data, where there is any. */
  readonly data: unknown;
  /** Mostly a limit or a node that is not ready: worth a restart. */
  override readonly exitCode = exitCodes.temporary;

  constructor(message: string, rpcCode: number, data: unknown) {
    super(message, { code: "RPC_REFUSED" });
    this.rpcCode = rpcCode;
    this.data = data;
  }
}

export type RpcAnswer = { readonly result: unknown } | { readonly error: RpcError };

export type HttpRpc = {
  /** Host and port alone (and a number, where several endpoints share them): all of the URL that may be shown. */
  readonly name: string;
  /** @throws RpcError if the node refuses; RetryableError if it does not answer. */
  readonly call: <T>(method: string, ...params: readonly unknown[]) => Promise<T>;
  /** One HTTP request; answers in the order of the calls. @throws RetryableError if the node does not answer. */
  readonly batch: (calls: readonly RpcCall[]) => Promise<readonly RpcAnswer[]>;
};

type WireAnswer = { id?: unknown; result?: unknown; error?: { code?: number; message?: string; data?: unknown } };

/**
 * JSON-RPC over HTTP. An endpoint's URL often holds a credential, so no error of this module shows more than its host.
 *
 * @param timeoutMs Bounds the whole request.
 * @param name What errors call it. @default its host and port
 */
export function createHttpRpc({ url, timeoutMs, name }: { url: string; timeoutMs: number; name?: string }): HttpRpc {
  return httpRpcAt({ url, timeoutMs, name: name ?? new URL(url).host });
}

function httpRpcAt({ url, timeoutMs, name }: { url: string; timeoutMs: number; name: string }): HttpRpc {
  const { address, authorization } = splitCredentials(url);
  const headers = { "content-type": "application/json", ...(authorization && { authorization }) };
  const send = openHttpPost({ url: address, headers, timeoutMs });
  let lastId = 0;

  const unavailable = (why: string, fault?: EndpointFault) =>
    new EndpointError(`the endpoint ${name} did not answer: ${why}`, fault);

  const post = async (body: unknown): Promise<unknown> => {
    let response: HttpAnswer;
    try {
      response = await send(JSON.stringify(body));
    } catch (cause) {
      throw unavailable(networkReason(cause));
    }
    const { status, retryAfter, text } = response;
    const isOk = status >= 200 && status < 300;
    // Whatever the body of a 429 says: the header is what counts.
    if (status === 429) throw unavailable(`HTTP ${status}`, { status, retryAfter });
    try {
      const answer: unknown = JSON.parse(text);
      if (isOk || isRpcBody(answer)) return answer;
    } catch {
      if (isOk) throw unavailable("its answer is not JSON, or was cut off");
    }
    throw unavailable(`HTTP ${status}`, { status, retryAfter });
  };

  const batch = async (calls: readonly RpcCall[]): Promise<readonly RpcAnswer[]> => {
    if (calls.length === 0) return [];
    const requests = calls.map((call) => ({ jsonrpc: "2.0", id: ++lastId, ...call }));
    const answer = await post(requests.length === 1 ? requests[0] : requests);
    const answers = (Array.isArray(answer) ? answer : [answer]) as WireAnswer[];
    const byId = new Map(answers.map((each) => [each?.id, each]));
    return requests.map(({ id }) => {
      const found = byId.get(id) ?? (requests.length === 1 || answers.length === 1 ? answers[0] : undefined);
      if (found?.error) return { error: toRpcError(found.error) };
      if (found?.id !== id || found.result === undefined) throw unavailable("its answer has holes");
      return { result: found.result };
    });
  };

  return {
    name,
    batch,
    call: async <T>(method: string, ...params: readonly unknown[]) => {
      const [answer] = await batch([{ method, params }]);
      return resultOf(answer) as T;
    },
  };
}

/** The result of an answer. @throws RpcError if the node refused. */
export function resultOf(answer: RpcAnswer | undefined): unknown {
  if (answer === undefined) throw new TypeError("no answer to read");
  if ("error" in answer) throw answer.error;
  return answer.result;
}

const toRpcError = ({ message, code, data }: NonNullable<WireAnswer["error"]>): RpcError =>
  new RpcError(String(message ?? "refused without a reason").slice(0, 1024), Number(code ?? 0), data);

const isRpcBody = (answer: unknown): boolean => {
  const first = Array.isArray(answer) ? answer[0] : answer;
  return typeof first === "object" && first !== null && ("result" in first || "error" in first) && "id" in first;
};

function networkReason(cause: unknown): string {
  if (cause instanceof TimeoutError) return cause.message;
  return (cause as NodeJS.ErrnoException).code ?? "the connection failed";
}
