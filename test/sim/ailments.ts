import type { RpcCall } from "../../src/chain/jsonRpc.ts";
import { type NodeAnswer, refusal } from "./modelAnswers.ts";
import type { ModelNode } from "./modelNode.ts";
import type { Prng } from "./prng.ts";

/** What an endpoint lacks from the beginning of a run to its end. */
export type Ailments = {
  /** It has none of whatever is mined. */
  readonly isWithoutReceipts?: boolean;
  /** What it answers with an error that says nothing: a method in which no contract has a say. */
  readonly fails?: string;
  readonly isWithoutLogs?: boolean;
  readonly isWithoutBatches?: boolean;
  /** It takes no transactions. */
  readonly isReadOnly?: boolean;
  readonly isSlow?: boolean;
  /** Blocks below its head of which it has state, logs or receipts. @default all */
  readonly keeps?: { readonly state: number; readonly logs: number; readonly receipts: number };
};

/** An endpoint that is well. */
export const well: Ailments = {};

/** @param finalityDepth What is that deep every node keeps. */
function drawAilments(prng: Prng, finalityDepth: number): Ailments {
  const keeps = () => finalityDepth + prng.pick([16, 40, 128, 10_000]);
  return {
    isWithoutReceipts: prng.chance(0.3),
    isWithoutLogs: prng.chance(0.15),
    isWithoutBatches: prng.chance(0.25),
    isReadOnly: prng.chance(0.15),
    isSlow: prng.chance(0.2),
    keeps: { state: keeps(), logs: keeps(), receipts: keeps() },
  };
}

/**
 * What ails the endpoints of a run, of which the last one is well. At the most one of three fails at something: nothing is written off
 * by the word of one alone, and where all others fail, it waits for ever.
 */
export function drawAllAilments(prng: Prng, finalityDepth: number): readonly Ailments[] {
  const first = drawAilments(prng, finalityDepth);
  if (prng.chance(0.3)) return [first, well];
  const failing = { ...drawAilments(prng, finalityDepth), fails: prng.pick(["", ...ofNodeAlone]) };
  return prng.chance(0.5) ? [first, failing, well] : [failing, first, well];
}

const ofNodeAlone = ["eth_getTransactionReceipt", "eth_getTransactionCount", "eth_getBalance"];
const ofState: ReadonlySet<string> = new Set(["eth_call", "eth_getTransactionCount", "eth_getBalance", "eth_getCode"]);

/** The answer of a node behind such an endpoint. */
export function ailingAnswer(ailments: Ailments, node: ModelNode, call: RpcCall): NodeAnswer {
  const { isWithoutReceipts, fails, isWithoutLogs, isReadOnly, keeps } = ailments;
  const { method, params } = call;
  const isBelow = (number: unknown, kept = Number.POSITIVE_INFINITY) =>
    typeof number === "string" && number.startsWith("0x") && Number(number) < node.head().number - kept;
  const lacksMethod = () => refusal(`the method ${method} does not exist/is not available`, -32601);
  if (method === fails) return refusal("Internal error", -32603);
  if (method === "eth_getTransactionReceipt") {
    if (isWithoutReceipts) return { result: null };
    const answer = node.answer(call);
    const told = "result" in answer ? (answer.result as { blockNumber: string } | null) : null;
    return isBelow(told?.blockNumber, keeps?.receipts) ? { result: null } : answer;
  }
  if (method === "eth_getLogs") {
    if (isWithoutLogs) return lacksMethod();
    const { fromBlock } = params[0] as { fromBlock?: unknown };
    if (isBelow(fromBlock, keeps?.logs)) return refusal("pruned history unavailable", 4444);
  }
  if (method === "eth_sendRawTransaction" && isReadOnly) return lacksMethod();
  if (ofState.has(method) && isBelow(params[1], keeps?.state)) return refusal("missing trie node 5eed (path )");
  return node.answer(call);
}
