import type { ClientContext } from "../context.ts";
import { signerOf } from "../signerOf.ts";
import type { NonceOptions } from "./getNonceInfo.ts";

/**
 * Forgets which nonces this client has signed for an account, as far as they are settled: the next transaction asks the
 * node. A nonce with a transaction that is not mined stays taken. Cancels nothing.
 *
 * @throws InputError `SIGNER_MISSING`.
 * @example client.resetNonceCache();
 */
export function resetNonceCache(context: ClientContext, options: NonceOptions = {}): void {
  const address = options.address ?? signerOf(context, options).address;
  for (const lane of context.lanes()) if (lane.address.toLowerCase() === address.toLowerCase()) lane.reset();
}

/** `resetNonceCache` for every account that this client has signed for. */
export function clearAllNonceCaches(context: ClientContext): void {
  for (const lane of context.lanes()) lane.reset();
}
