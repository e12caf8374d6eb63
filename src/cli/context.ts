import type { Environment } from "../config/layer.ts";
import { describeError } from "../errors.ts";

type Output = { readonly write: (text: string) => unknown };

/** The process, as commands see it: only `main.ts` knows the real one. */
export type Context = {
  readonly env: Environment;
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Takes these secrets, and the credentials in these URLs, out of all that is written from now on. */
  readonly hide: (secrets: readonly string[], urls: readonly string[]) => void;
  /** Such as `v24.21.0`. */
  readonly nodeVersion: string;
  readonly isTTY: boolean;
  /** Standard error is a terminal. @default false */
  readonly errorsOnTTY?: boolean;
  /** Asks the person at the terminal; missing where there is none. */
  readonly ask?: (question: string) => Promise<string>;
  /** Runs a script of the sources with the same Node, input and output. @returns its exit code. */
  readonly runScript?: (path: string, args: readonly string[]) => Promise<number>;
  /** Calls back at SIGTERM and SIGINT. */
  readonly onStopSignal: (handler: (signal: string) => void) => void;
  /** Calls back with what nobody caught, in place of ending the process at once. */
  readonly onUncaught?: (handler: (error: unknown) => void) => void;
  /** Calls back at SIGUSR1 (`pause`) and SIGUSR2 (`resume`), and for those that came before it was called. */
  readonly onPaySignal?: (handler: (action: "pause" | "resume") => void) => void;
  /** Calls back at SIGHUP. */
  readonly onReloadSignal?: (handler: () => void) => void;
  /** The time since the machine started (`CLOCK_MONOTONIC`), in microseconds. */
  readonly monotonicMicros?: () => bigint;
};

/** What a person reads when a command fails: the error's code, its message, and what to do. */
export const failureText = (error: unknown): string => {
  const code = error instanceof Error && "code" in error ? ` ${String(error.code)}` : "";
  // A node's words, or a person's, may be in it; several mistakes take several lines.
  const message = describeError(error).replace(/(?:[^\P{C}\n\t]|[\p{Zl}\p{Zp}])+/gu, " ");
  return `error${code}: ${message}\n`;
};
