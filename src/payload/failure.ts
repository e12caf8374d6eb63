import { privateHost } from "./egress.ts";

/** Why nothing came. `error` is a constant text, a status or an error code: never a piece of the answer or of the URL. */
export type Failure = {
  readonly ok: false;
  readonly error: string;
  /** It may pass: look again later. */
  readonly transient: boolean;
  /** The HTTP status, where one was answered. */
  readonly status?: number;
  /** What the CID names is known, and is no use: nobody can have a better answer. */
  readonly proven?: true;
};

export const failed = (error: string, transient = false): Failure => ({ ok: false, error, transient });

export const tooLarge = (maxBytes: number): Failure => failed(`larger than ${maxBytes} bytes`);

/** Carries a failure out of a stream or a recursion. */
export class PayloadError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.error);
    this.name = "PayloadError";
    this.failure = failure;
  }
}

/** What an I/O error means, told by its code alone: its message may hold a URL or a piece of the answer. */
export function failureOf(error: unknown): Failure {
  if (error instanceof PayloadError) return error.failure;
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === "EPRIVATE") return failed(privateHost);
  return failed(`the connection failed: ${/^[A-Z0-9_]{1,40}$/.test(code) ? code : "unknown"}`, true);
}
