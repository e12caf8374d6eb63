import { RetryableError } from "../../errors.ts";

export type EndpointFault = {
  /** HTTP status; `undefined` where there was no answer at all. */
  readonly status?: number | undefined;
  /** The header `Retry-After`, as it came. */
  readonly retryAfter?: string | undefined;
  /** @default ENDPOINT_UNAVAILABLE */
  readonly code?: string;
  /** @default advice to check the endpoint */
  readonly remedy?: string;
};

/** An endpoint did not answer, or not with an answer. It says no more of the endpoint than its host. */
export class EndpointError extends RetryableError {
  readonly status: number | undefined;
  readonly retryAfter: string | undefined;

  constructor(message: string, { status, retryAfter, code, remedy }: EndpointFault = {}) {
    super(message, {
      code: code ?? "ENDPOINT_UNAVAILABLE",
      remedy: remedy ?? "check rpc.http and the network; the daemon tries again",
    });
    this.status = status;
    this.retryAfter = retryAfter;
  }
}
