import type { Hex } from "../../src/protocol/brand.ts";
import { startMeddlingProxy } from "./meddlingProxy.ts";

/** What a node says of a transaction instead of taking it; `undefined`: it takes it. */
export type Refuse = (raw: Hex) => string | undefined;

export type RefusingProxy = {
  readonly http: string;
  readonly set: (refuse: Refuse) => void;
  /** What was refused, in order. */
  readonly refused: readonly Hex[];
  readonly stop: () => Promise<void>;
};

/** A real node's front that refuses some transactions for itself; everything else goes through. */
export async function startRefusingProxy(node: string): Promise<RefusingProxy> {
  const refused: Hex[] = [];
  const { http, set, stop } = await startMeddlingProxy(node);
  return {
    http,
    set: (refuse) =>
      set(({ method, params }) => {
        const raw = params[0] as Hex;
        const message = method === "eth_sendRawTransaction" ? refuse(raw) : undefined;
        if (message === undefined) return undefined;
        refused.push(raw);
        return { error: { code: -32000, message } };
      }),
    refused,
    stop,
  };
}
