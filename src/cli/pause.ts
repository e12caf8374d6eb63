import { exitCodes } from "../errors.ts";
import { pausePaying } from "../sink/guardrails/pausing.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";
import { personOf } from "./personOf.ts";
import { withJournal } from "./withJournal.ts";

/** Pauses paying, beside a running daemon. @returns the exit code. */
export async function pause(context: Context, line: Line): Promise<number> {
  const { why = "" } = line.options;
  const who = personOf(context, line);
  if (why.trim() === "") throw usage('"pause" needs a reason: --why "…"');
  const { pause: stands, isNew } = await withJournal(context, line, (journal) =>
    pausePaying(journal, { who, why }, Date.now()),
  );
  const since = new Date(stands.at).toISOString();
  context.stdout.write(
    isNew
      ? `paying is paused, by ${stands.who}: nothing new is signed until "ogpu-confirmd resume"\n`
      : `paying was paused already, by ${stands.who} since ${since}: ${stands.why}\n`,
  );
  return exitCodes.ok;
}
