import { RpcError, sendMethod } from "../jsonRpc.ts";
import { refusalKind } from "./refusals.ts";

/** What says most about a transaction that no endpoint took, first: that it is there already, that its nonce is gone. */
const telling = [/already known|(?<!un)known transaction|already imported|alreadyknown/i, /nonce too low|oldnonce/i];
/** What says nothing about the transaction, beside refusals for reasons of the endpoint's own. */
const vague = /not allowed|unauthori[sz]ed|forbidden/i;
const send = { method: sendMethod, params: [] };

/**
 * The refusal to go by when the same bytes were refused by several endpoints, or not answered: a node's word on the
 * transaction says more than silence.
 */
export function tellingRefusal(errors: readonly unknown[]): unknown {
  const rank = (error: unknown): number => {
    if (!(error instanceof RpcError)) return telling.length + 2;
    if (vague.test(error.message) || refusalKind(send, error) !== "call") return telling.length + 1;
    const found = telling.findIndex((pattern) => pattern.test(error.message));
    return found === -1 ? telling.length : found;
  };
  return errors.toSorted((a, b) => rank(a) - rank(b))[0];
}
