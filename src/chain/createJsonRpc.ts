import { batchRefusal, isRateLimit } from "./endpoints/answerShapes.ts";
import { unanswered } from "./endpoints/endpointError.ts";
import { refusalKind } from "./endpoints/refusals.ts";
import type { ExchangeOptions, RpcRequest } from "./exchange.ts";
import { httpExchange } from "./httpExchange.ts";
import {
  type HttpRpc,
  type RpcAnswer,
  type RpcCall,
  type RpcError,
  resultOf,
  sendMethod,
  toRpcError,
  type WireError,
} from "./jsonRpc.ts";
import { socketExchange } from "./socketExchange.ts";

type WireAnswer = { readonly id?: unknown; readonly result?: unknown; readonly error?: WireError | string } | null;

/**
 * JSON-RPC to one endpoint: over HTTP, or over a WebSocket of its own where the URL says so. A URL often holds a credential,
 * so no error of this module shows more than its host.
 *
 * @param timeoutMs Bounds the whole request; twice, where a kept connection was closed upon it.
 * @param name What errors call it. @default its host and port
 */
export function createJsonRpc(options: Omit<ExchangeOptions, "name"> & { readonly name?: string }): HttpRpc {
  const { url, timeoutMs, name = new URL(url).host } = options;
  const isSocket = /^wss?:$/.test(new URL(url).protocol);
  const exchange = (isSocket ? socketExchange : httpExchange)({ url, timeoutMs, name });
  let lastId = 0;

  const batch = async (calls: readonly RpcCall[]): Promise<readonly RpcAnswer[]> => {
    if (calls.length === 0) return [];
    const requests = calls.map((call): RpcRequest => ({ jsonrpc: "2.0", id: ++lastId, ...call }));
    const answer = await exchange(requests);
    const answers = (Array.isArray(answer) ? answer : [answer]) as WireAnswer[];
    const refusal = refusalOfAll(requests, answers, !isSocket && !Array.isArray(answer));
    if (refusal) return requests.map(() => ({ error: refusal }));
    const asked = new Set<unknown>(requests.map(({ id }) => id));
    const byId = new Map<unknown, WireAnswer>();
    // What nobody asked for may be millions.
    for (const each of answers) if (asked.has(each?.id)) byId.set(each?.id, each);
    return requests.map(({ id }) => {
      const found = byId.get(id);
      if (found?.error) return { error: toRpcError(found.error) };
      if (found?.result === undefined) throw unanswered(name, "its answer has holes");
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

/**
 * The one answer to several requests, where it refuses them all: it names none of them; or one, and speaks of the batch, as
 * geth and Erigon say under the first id that it is too large. Any other word is that one's alone. Over HTTP an object in the
 * place of a list is about the batch (JSON-RPC 2.0, section 6): gateways refuse a credential under an id of their own choice; but
 * of transactions even that is not believed, since a wrong word on a payment is worse than none.
 */
function refusalOfAll(
  requests: readonly RpcRequest[],
  answers: readonly WireAnswer[],
  isObjectOverHttp: boolean,
): RpcError | undefined {
  const [only] = answers;
  if (answers.length !== 1 || !only?.error) return undefined;
  const error = toRpcError(only.error);
  const isOfAll = batchRefusal([{ error }]) !== undefined || isRateLimit(error);
  const isOfAccount = () => requests.every((request) => refusalKind(request, error) === "account");
  if (requests.every(({ id }) => id !== only.id) || isOfAll || isOfAccount()) return error;
  const pays = requests.some(({ method }) => method === sendMethod);
  return isObjectOverHttp && !pays ? error : undefined;
}
