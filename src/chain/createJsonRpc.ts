import { unanswered } from "./endpoints/endpointError.ts";
import type { ExchangeOptions, RpcRequest } from "./exchange.ts";
import { httpExchange } from "./httpExchange.ts";
import { type HttpRpc, type RpcAnswer, type RpcCall, RpcError, resultOf } from "./jsonRpc.ts";
import { socketExchange } from "./socketExchange.ts";

type WireAnswer = { id?: unknown; result?: unknown; error?: { code?: number; message?: string; data?: unknown } };

/**
 * JSON-RPC to one endpoint: over HTTP, or over a WebSocket of its own where the URL says so. A URL often holds a credential,
 * so no error of this module shows more than its host.
 *
 * @param timeoutMs Bounds the whole request.
 * @param name What errors call it. @default its host and port
 */
export function createJsonRpc(options: Omit<ExchangeOptions, "name"> & { readonly name?: string }): HttpRpc {
  const { url, timeoutMs, name = new URL(url).host } = options;
  const open = /^wss?:$/.test(new URL(url).protocol) ? socketExchange : httpExchange;
  const exchange = open({ url, timeoutMs, name });
  let lastId = 0;

  const batch = async (calls: readonly RpcCall[]): Promise<readonly RpcAnswer[]> => {
    if (calls.length === 0) return [];
    const requests = calls.map((call): RpcRequest => ({ jsonrpc: "2.0", id: ++lastId, ...call }));
    const answer = await exchange(requests);
    const answers = (Array.isArray(answer) ? answer : [answer]) as WireAnswer[];
    const byId = new Map(answers.map((each) => [each?.id, each]));
    return requests.map(({ id }) => {
      const found = byId.get(id) ?? (requests.length === 1 || answers.length === 1 ? answers[0] : undefined);
      if (found?.error) return { error: toRpcError(found.error) };
      if (found?.id !== id || found.result === undefined) throw unanswered(name, "its answer has holes");
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

const toRpcError = ({ message, code, data }: NonNullable<WireAnswer["error"]>): RpcError =>
  new RpcError(String(message ?? "refused without a reason").slice(0, 1024), Number(code ?? 0), data);
