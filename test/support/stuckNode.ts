import type { HttpRpc, RpcAnswer } from "../../src/chain/jsonRpc.ts";
import { toQuantity } from "../../src/chain/wire.ts";
import type { Meddle } from "./meddlingProxy.ts";

type LogFilter = { readonly fromBlock?: string; readonly toBlock?: string };
type Mined = { readonly blockNumber?: string | null } | null;

const noBlock = { error: { code: -32000, message: "header not found" } };
const told = (answer: RpcAnswer | undefined) => {
  if (answer === undefined) throw new TypeError("no answer");
  if ("result" in answer) return answer;
  const { rpcCode: code, message, data } = answer.error;
  return { error: { code, message, ...(data !== undefined && { data }) } };
};

/** What a node answers that has taken in no block after one of them: the truth, of long ago. */
export function stuckAt(node: HttpRpc, block: bigint): Meddle {
  const at = toQuantity(block);
  const isTag = (value: unknown) => value === undefined || value === "latest" || value === "pending";
  const isBeyond = (value: unknown) => typeof value === "string" && value.startsWith("0x") && BigInt(value) > block;
  const then = async (method: string, ...params: readonly unknown[]) =>
    told((await node.batch([{ method, params }]))[0]);
  return async ({ method, params: [first, second, ...rest] }) => {
    switch (method) {
      case "eth_blockNumber":
        return { result: at };
      case "eth_getBlockByNumber":
        return isBeyond(first) ? { result: null } : then(method, isTag(first) ? at : first, second);
      case "eth_call":
      case "eth_estimateGas":
      case "eth_getBalance":
      case "eth_getCode":
      case "eth_getTransactionCount":
        return isBeyond(second) ? noBlock : then(method, first, isTag(second) ? at : second, ...rest);
      case "eth_getLogs": {
        const { fromBlock, toBlock, ...filter } = first as LogFilter;
        if (toBlock === undefined || !isBeyond(toBlock)) return undefined;
        return isBeyond(fromBlock) ? { result: [] } : then(method, { ...filter, fromBlock, toBlock: at });
      }
      case "eth_getTransactionReceipt": {
        const answer = await then(method, first);
        return "result" in answer && isBeyond((answer.result as Mined)?.blockNumber) ? { result: null } : answer;
      }
      default:
        return undefined;
    }
  };
}
