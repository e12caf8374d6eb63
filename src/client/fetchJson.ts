import { RetryableError } from "../errors.ts";
import type { FetchLimits } from "../payload/payloadPort.ts";
import type { ClientContext } from "./context.ts";
import { InputError } from "./errors.ts";
import { requireTimeout, requireWhole } from "./options.ts";

/**
 * Reads JSON that a stranger points to, through the guard: no private network, bounded bytes and time, content that a CID
 * names is verified.
 *
 * @param data A URL (`https`, `ipfs`), inline JSON, or a response's `data` as it stands on chain.
 * @param limits @default 1 MiB, 10_000 ms
 * @throws RetryableError `FETCH_FAILED` if it may come later; InputError `NOT_JSON` if it never will,
 *   `OPTION_INVALID`.
 * @example const answer = await client.fetchJson(response.data);
 */
export async function fetchJson(
  { payload }: Pick<ClientContext, "payload">,
  data: string,
  { maxBytes = 1_048_576, timeoutMs = 10_000, ...rest }: Partial<FetchLimits> = {},
): Promise<unknown> {
  requireWhole("maxBytes", maxBytes, 0);
  requireTimeout(timeoutMs);
  const { valid, json, error, transient } = await payload.fetch(data, { maxBytes, timeoutMs, ...rest });
  if (valid) return json;
  const shown = data.length > 80 ? `${data.slice(0, 80)}…` : data;
  const problem = `no JSON came from ${JSON.stringify(shown)}: ${error}`;
  if (transient) throw new RetryableError(problem, { code: "FETCH_FAILED", remedy: "try again later" });
  throw new InputError(problem, { code: "NOT_JSON", remedy: "what it points to is no JSON within the limits" });
}
