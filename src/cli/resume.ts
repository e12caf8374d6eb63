import { exitCodes } from "../errors.ts";
import { resumePaying } from "../sink/guardrails/pausing.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { noDaemon } from "./noDaemon.ts";
import { personOf, reasonOf } from "./personOf.ts";
import { json, plain } from "./terminal.ts";
import { withJournal } from "./withJournal.ts";

/** Ends the pause, whoever began it. @returns the exit code. */
export async function resume(context: Context, line: Line): Promise<number> {
  const why = reasonOf(line);
  const who = personOf(context, line);
  return withJournal(context, line, async (journal, { site }) => {
    const before = await journal.pause();
    const ended = (await resumePaying(journal, { who, why }, Date.now())) ? before : undefined;
    const held = await site.isHeld();
    const since = ended && new Date(ended.at).toISOString();
    if (line.options.json) {
      const shown = ended ? { who: ended.who, why: ended.why, since } : null;
      context.stdout.write(json({ ended: shown, journal: site.name, held }));
    } else {
      context.stdout.write(
        ended
          ? `${plain(`paying is resumed, by ${who}; ${ended.who} had paused it at ${since}: ${ended.why}`)}\n`
          : "paying was not paused\n",
      );
      context.stdout.write(`in the journal ${site.name}\n`);
    }
    if (!held) context.stderr.write(noDaemon(site, "nothing is paid until one opens it"));
    return exitCodes.ok;
  });
}
