import type { BroadcastAnswer } from "./chainPort.ts";
import { RpcError } from "./jsonRpc.ts";

type NotTaken = Extract<BroadcastAnswer, { ok: false }>;

/** Nobody said a word on it: it was perhaps sent. */
export const noAnswer: NotTaken = { ok: false, message: "no answer" };

/**
 * What is known of a transaction that no node accepted. Only a refusal is a node's word on it; the text of any other error may
 * quote one on something else, or hold one by chance, as the name of a host.
 */
export function notTaken(error: unknown): NotTaken {
  if (error instanceof RpcError) return { ok: false, message: error.message };
  return { ...noAnswer, why: error instanceof Error ? error.message : String(error) };
}
