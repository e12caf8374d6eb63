import { hideKeys } from "../config/format.ts";
import type { ClientOptions } from "./createClient.ts";
import { InputError } from "./errors.ts";
import type { WriteOptions } from "./types.ts";

/** @throws InputError `OPTION_INVALID` for what would fail, or never end, once something is signed. */
export function requireWriteOptions(options: WriteOptions): void {
  // What a text or a number was to bound, the most to pay say, would be bounded by nothing.
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InputError(`the options are no object, but ${hideKeys(String(options))}`, {
      code: "OPTION_INVALID",
      remedy: 'give them by name, such as { maxPayment: "0.05 OGPU" }',
    });
  }
  const { nonce, maxRetries, timeoutMs, confirmations } = options;
  requireWhole("nonce", nonce, 0);
  requireWhole("maxRetries", maxRetries, 0);
  requireWhole("confirmations", confirmations, 1);
  requireMilliseconds("timeoutMs", timeoutMs);
}

/** @throws InputError `OPTION_INVALID`, as `requireWriteOptions`. */
export function requireClientOptions(options: Omit<ClientOptions, "chain">): void {
  const { finality, maxFeePerGas, rpc, ws, uploadUrl } = options;
  if (finality !== "safe" && finality !== "finalized") requireWhole("finality", finality, 0);
  requireMilliseconds("rebroadcastAfterMs", options.rebroadcastAfterMs);
  for (const name of ["pollIntervalMs", "requestTimeoutMs"] as const) requireMilliseconds(name, options[name], longest);
  const isNone = typeof rpc === "object" && rpc.length === 0;
  if (isNone) throw invalid("rpc", "an empty list", "give the URL of an endpoint at least");
  for (const url of listOf(rpc ?? [])) requireUrl("rpc", url ?? "", ["http:", "https:", "ws:", "wss:"]);
  for (const url of listOf(ws ?? [])) requireUrl("ws", url ?? "", ["ws:", "wss:"]);
  requireUrl("uploadUrl", uploadUrl);
  // A text is no ceiling: nothing is more than it.
  if (maxFeePerGas !== undefined && (typeof maxFeePerGas !== "bigint" || maxFeePerGas < 0n))
    throw invalid("maxFeePerGas", maxFeePerGas, "give wei as a bigint");
}

/** @throws InputError `OPTION_INVALID`. */
export function requireWhole(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  throw invalid(name, value, `give a whole number, ${least} or more`);
}

/** What a service may take. @throws InputError `OPTION_INVALID`. */
export function requireTimeout(timeoutMs: number): void {
  requireWhole("timeoutMs", timeoutMs, 0);
  requireMilliseconds("timeoutMs", timeoutMs, longest);
}

/** @throws InputError `OPTION_INVALID`, which does not repeat it: it may hold a credential. */
export function requireUrl(name: string, url: string | undefined, protocols = ["http:", "https:"]): void {
  if (url === undefined || protocols.includes(URL.parse(url)?.protocol ?? "")) return;
  throw invalid(name, "no URL that could be asked", `give one that begins with ${protocols.join("// or ")}//`);
}

/** A timer that is to wait longer than this does not wait at all. */
const longest = 2 ** 31 - 1;

function requireMilliseconds(name: string, value: number | undefined, most = Number.MAX_VALUE): void {
  if (value === undefined || (Number.isFinite(value) && value >= 0 && value <= most)) return;
  throw invalid(name, value, most === longest ? `give milliseconds, 0 to ${longest}` : "give milliseconds, 0 or more");
}

/** URLs, given as one or as several. */
export const listOf = (urls: string | readonly string[]): readonly string[] =>
  Array.isArray(urls) ? urls : [urls as string];

const invalid = (name: string, value: unknown, remedy: string): InputError =>
  new InputError(`the option ${name} is ${hideKeys(String(value))}`, {
    code: "OPTION_INVALID",
    remedy: `${remedy}, or leave it out`,
  });
