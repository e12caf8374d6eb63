import { revertBytes } from "./modelCalls.ts";

export type NodeAnswer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } };

export const refusal = (message: string, code = -32000, data?: unknown): NodeAnswer => ({
  error: { code, message, ...(data === undefined ? {} : { data }) },
});

export const reverted = (reason: string): NodeAnswer =>
  reason === ""
    ? refusal("execution reverted", 3, "0x")
    : refusal(`execution reverted: ${reason}`, 3, revertBytes(reason));
