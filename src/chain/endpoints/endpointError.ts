import { RetryableError } from "../../errors.ts";

export type EndpointFault = {
  /** HTTP status; `undefined` where there was no answer at all. */
  readonly status?: number | undefined;
  /** The header `Retry-After`, as it came. */
  readonly retryAfter?: string | undefined;
  /** A kept connection was closed just when this was asked; over another one it may be asked again. @default false */
  readonly wasStale?: boolean;
  /** For the log, such as a node's word that may be about something else: it is in no message. */
  readonly cause?: unknown;
  /** @default ENDPOINT_UNAVAILABLE */
  readonly code?: string;
  /** @default advice to check the endpoint */
  readonly remedy?: string;
};

/** An endpoint did not answer, or not with an answer. It says no more of the endpoint than its host. */
export class EndpointError extends RetryableError {
  readonly status: number | undefined;
  readonly retryAfter: string | undefined;
  readonly wasStale: boolean;

  constructor(message: string, { status, retryAfter, wasStale = false, cause, code, remedy }: EndpointFault = {}) {
    super(message, {
      code: code ?? "ENDPOINT_UNAVAILABLE",
      remedy: remedy ?? "check rpc.http and the network; the daemon tries again",
      cause,
    });
    this.status = status;
    this.retryAfter = retryAfter;
    this.wasStale = wasStale;
  }
}

/** @param name Of the endpoint. @param why Without a credential in it. */
export const unanswered = (name: string, why: string, fault?: EndpointFault): EndpointError =>
  new EndpointError(`the endpoint ${name} did not answer: ${why}`, fault);
