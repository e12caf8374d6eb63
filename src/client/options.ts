import { hideKeys } from "../config/format.ts";
import type { ClientOptions } from "./createClient.ts";
import { InputError } from "./errors.ts";
import type { WriteOptions } from "./types.ts";

/** @throws InputError `OPTION_INVALID` for what would fail, or never end, once something is signed. */
export function requireWriteOptions({ nonce, maxRetries, timeoutMs, confirmations }: WriteOptions): void {
  requireWhole("nonce", nonce, 0);
  requireWhole("maxRetries", maxRetries, 0);
  requireWhole("confirmations", confirmations, 1);
  requireMilliseconds("timeoutMs", timeoutMs);
}

/** @throws InputError `OPTION_INVALID`, as `requireWriteOptions`. */
export function requireClientOptions(options: Omit<ClientOptions, "chain">): void {
  const { finality, maxFeePerGas } = options;
  if (finality !== "safe" && finality !== "finalized") requireWhole("finality", finality, 0);
  for (const name of ["pollIntervalMs", "requestTimeoutMs", "rebroadcastAfterMs"] as const)
    requireMilliseconds(name, options[name]);
  // A text is no ceiling: nothing is more than it.
  if (maxFeePerGas !== undefined && (typeof maxFeePerGas !== "bigint" || maxFeePerGas < 0n))
    throw invalid("maxFeePerGas", maxFeePerGas, "give wei as a bigint");
}

/** @throws InputError `OPTION_INVALID`. */
export function requireWhole(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  throw invalid(name, value, `give a whole number, ${least} or more`);
}

function requireMilliseconds(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isFinite(value) && value >= 0)) return;
  throw invalid(name, value, "give milliseconds, 0 or more");
}

const invalid = (name: string, value: unknown, remedy: string): InputError =>
  new InputError(`the option ${name} is ${hideKeys(String(value))}`, {
    code: "OPTION_INVALID",
    remedy: `${remedy}, or leave it out`,
  });
