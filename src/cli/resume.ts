import { exitCodes } from "../errors.ts";
import type { Approval } from "../journal/withdrawalJournal.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed } from "../protocol/brand.ts";
import { resumePaying } from "../sink/guardrails/pausing.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { noDaemon } from "./noDaemon.ts";
import { personOf, reasonOf } from "./personOf.ts";
import { summaryOf } from "./summaryOf.ts";
import { json, plain } from "./terminal.ts";
import { withJournal } from "./withJournal.ts";

/** Ends the pause, whoever began it. @returns the exit code. */
export async function resume(context: Context, line: Line): Promise<number> {
  const why = reasonOf(line);
  const who = personOf(context, line);
  return withJournal(context, line, async (journal, { site }) => {
    const [before, approvals] = [await journal.pause(), await journal.approvals()];
    const ended = (await resumePaying(journal, { who, why }, Date.now())) ? before : undefined;
    const held = await site.isHeld();
    const since = ended && new Date(ended.at).toISOString();
    if (line.options.json) {
      const shown = ended ? { who: ended.who, why: ended.why, since } : null;
      const waiting = approvals.map(({ confirmation }) => ({
        response: checksummed(confirmation.response),
        price: formatOgpu(confirmation.payment),
      }));
      context.stdout.write(json({ ended: shown, waiting, journal: site.name, held }));
    } else {
      context.stdout.write(
        ended
          ? `${plain(`paying is resumed, by ${who}; ${ended.who} had paused it at ${since}: ${ended.why}`)}\n`
          : "paying was not paused\n",
      );
      if (ended) context.stdout.write(`${letGo(approvals)}\n`);
      context.stdout.write(`in the journal ${site.name}\n`);
    }
    if (!held) context.stderr.write(noDaemon(site, "nothing is paid until one opens it"));
    return exitCodes.ok;
  });
}

/** What a pause had kept. */
const letGo = (approvals: readonly Approval[]): string =>
  approvals.length === 0
    ? "nothing that is approved waited for it"
    : `${summaryOf(approvals)} waited, to be paid now as far as ceilings have room`;
