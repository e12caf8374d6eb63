import { BaseError, exitCodes, RetryableError } from "../errors.ts";

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
  /** Host and port alone: the only part of the URL that may be shown. */
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
 */
export function createHttpRpc({ url, timeoutMs }: { url: string; timeoutMs: number }): HttpRpc {
  const name = new URL(url).host;
  const { address, headers } = withoutUserinfo(url);
  let lastId = 0;

  const unavailable = (why: string) =>
    new RetryableError(`the endpoint ${name} did not answer: ${why}`, {
      code: "ENDPOINT_UNAVAILABLE",
      remedy: "check rpc.http and the network; the daemon tries again",
    });

  const post = async (body: unknown): Promise<unknown> => {
    let response: Response;
    try {
      response = await fetch(address, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (cause) {
      throw unavailable(networkReason(cause, timeoutMs));
    }
    try {
      const answer: unknown = await response.json();
      if (response.ok || isRpcBody(answer)) return answer;
    } catch {
      if (response.ok) throw unavailable("its answer is not JSON, or was cut off");
    }
    throw unavailable(`HTTP ${response.status}`);
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

/** `fetch` refuses URLs with userinfo: it becomes a header. */
function withoutUserinfo(url: string): { address: string; headers: Record<string, string> } {
  const parsed = new URL(url);
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (parsed.username || parsed.password) {
    const credentials = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
    headers.authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
    parsed.username = "";
    parsed.password = "";
  }
  return { address: parsed.href, headers };
}

function networkReason(cause: unknown, timeoutMs: number): string {
  const error = cause as Error & { cause?: { code?: string } };
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs} ms`;
  return error.cause?.code ?? "the connection failed";
}
