import { RetryableError } from "../errors.ts";
import { migrations } from "./migrations.ts";

/** A journal is not migrated under the daemon that works with it. @param holder Who that is, where it can be told. */
export const heldAndOlder = (
  where: string,
  version: number,
  { cause, holder }: { readonly cause?: unknown; readonly holder?: string },
): RetryableError =>
  new RetryableError(
    `the journal ${where} has version ${version}, and a daemon that holds it${holder === undefined ? "" : ` (${holder})`} works with that: it is not brought to version ${migrations.length}`,
    {
      code: "JOURNAL_OLDER",
      remedy: "stop that daemon first, or use the program of its version beside it",
      cause,
    },
  );
