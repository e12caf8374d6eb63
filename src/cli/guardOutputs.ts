import type { Writable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { BaseError, exitCodes } from "../errors.ts";

/** The work is done, and somebody reads less of it than there was. */
class OutputError extends BaseError {
  override readonly exitCode = exitCodes.failed;
}

/**
 * Keeps the process alive where its output goes nowhere: what is being paid goes on, and so does the daemon. An output that
 * nobody reads any more (`… | head -1`) is no error at all.
 *
 * @returns what to ask once the work is done. It throws BaseError `OUTPUT_LOST` if standard output was not taken to its
 *   end for another reason, such as a full disk.
 */
export function guardOutputs(stdout: Writable, stderr: Writable): () => Promise<void> {
  let lost: NodeJS.ErrnoException | undefined;
  stderr.on("error", () => undefined);
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") lost ??= error;
  });
  return async () => {
    // What the last write came to is told a moment later.
    await setImmediate();
    if (lost === undefined) return;
    throw new OutputError(`the work is done, and its output was not taken to its end (${lost.code ?? lost.message})`, {
      code: "OUTPUT_LOST",
      remedy: "make room, and look at what was done before you do it again",
      cause: lost,
    });
  };
}
