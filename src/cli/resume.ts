import { exitCodes } from "../errors.ts";
import { resumePaying } from "../sink/guardrails/pausing.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { personOf } from "./personOf.ts";
import { withJournal } from "./withJournal.ts";

/** Ends the pause, whoever began it. @returns the exit code. */
export async function resume(context: Context, line: Line): Promise<number> {
  const { why = "" } = line.options;
  const who = personOf(context, line);
  return withJournal(context, line, async (journal) => {
    const pause = await journal.pause();
    const ended = await resumePaying(journal, { who, why }, Date.now());
    context.stdout.write(
      ended && pause
        ? `paying is resumed, by ${who}; ${pause.who} had paused it at ${new Date(pause.at).toISOString()}: ${pause.why}\n`
        : "paying was not paused\n",
    );
    return exitCodes.ok;
  });
}
