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

/** An endpoint refuses whoever asks, whatever is asked: as good as down, and only a person can mend it. */
export const accountRefused = {
  code: "ACCOUNT_REFUSED",
  remedy:
    "look at its key, its plan and its bill, and correct or remove its URL in rpc.http or rpc.ws; the daemon goes on with the others, and asks it again",
} as const;

const faults = { key: "refuses the key, or the plan has ended", quota: "says that its quota is used up" } as const;

/** @param cause The node's own words, for the log. */
export const refusedBy = (name: string, fault: "key" | "quota", cause: unknown): EndpointError =>
  new EndpointError(`the endpoint ${name} ${faults[fault]}`, { ...accountRefused, cause });

/** What an HTTP status says of whoever asks, if it does. */
export const faultOfStatus = (status: number | undefined): EndpointFault =>
  status === 401 || status === 402 || status === 403 ? accountRefused : {};

/** The same of a WebSocket that was not opened. @param why As `openWebSocket` tells it, such as `HTTP 401`. */
export const faultOfOpening = (why: string | undefined): EndpointFault =>
  faultOfStatus(Number(/^HTTP (\d+)$/.exec(why ?? "")?.[1]));

/** @param name Of the endpoint. @param why Without a credential in it. */
export const unanswered = (name: string, why: string, fault?: EndpointFault): EndpointError =>
  new EndpointError(`the endpoint ${name} did not answer: ${why}`, fault);
