/** What a failed program tells its supervisor (sysexits.h): 75 is worth a restart, 78 is not. */
export const exitCodes = { ok: 0, failed: 1, software: 70, temporary: 75, config: 78 } as const;

type ErrorDetails = {
  /** Stable name for logs, metrics and the error catalogue, e.g. `CHAIN_ID_MISMATCH`. */
  readonly code: string;
  /** What the operator should do about it. */
  readonly remedy?: string;
  readonly cause?: unknown;
};

/** Root of the daemon's own errors. Kinds differ by consequence: what the daemon does about them. */
export class BaseError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  readonly exitCode: number = exitCodes.software;

  constructor(message: string, { code, remedy, cause }: ErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** The operator's input is wrong: nothing starts, nothing is written. */
export class ConfigError extends BaseError {
  override readonly exitCode = exitCodes.config;
}

/** It may succeed if tried again: an endpoint that is down, a journal that another process holds. */
export class RetryableError extends BaseError {
  override readonly exitCode = exitCodes.temporary;
}

/** The daemon's own memory contradicts itself, or the chain: it stops before it pays. */
export class FatalError extends BaseError {}

/** One line for people: the message, then what to do; the causes stay out of it. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const remedy = error instanceof BaseError && error.remedy ? ` — ${error.remedy}` : "";
  return `${error.message}${remedy}`;
}
