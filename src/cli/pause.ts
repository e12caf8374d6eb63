import { exitCodes } from "../errors.ts";
import { pausePaying } from "../sink/guardrails/pausing.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";
import { noDaemon } from "./noDaemon.ts";
import { personOf, reasonOf } from "./personOf.ts";
import { json, plain } from "./terminal.ts";
import { withJournalAlone } from "./withJournal.ts";

/** Pauses paying, beside a running daemon or for the next one. @returns the exit code. */
export async function pause(context: Context, line: Line): Promise<number> {
  const why = reasonOf(line);
  const who = personOf(context, line);
  if (why === "") throw usage('"pause" needs a reason: --why "…"');
  return withJournalAlone(context, line, async (journal, site) => {
    const { pause: stands, isNew } = await pausePaying(journal, { who, why }, Date.now());
    const held = await site.isHeld();
    const since = new Date(stands.at).toISOString();
    if (line.options.json) {
      const shown = { who: stands.who, why: stands.why, since };
      context.stdout.write(json({ pause: shown, isNew, journal: site.name, held }));
    } else {
      context.stdout.write(
        isNew
          ? `paying is paused, by ${stands.who}: nothing new is signed until "ogpu-confirmd resume"\n`
          : `${plain(`paying was paused already, by ${stands.who} since ${since}: ${stands.why}`)}\n`,
      );
      context.stdout.write(`in the journal ${site.name}\n`);
    }
    if (!held) context.stderr.write(noDaemon(site, "the pause is kept for the next one that opens it"));
    return exitCodes.ok;
  });
}
