import { describeError, exitCodes } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import { loadPolicies } from "../policy/loadPolicies.ts";
import type { Policy } from "../policy/policyPort.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { loadLedger } from "../sink/guardrails/openLedger.ts";
import { type Standing, standings } from "../sink/guardrails/standing.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { json, plain, table } from "./terminal.ts";
import { withJournal } from "./withJournal.ts";

/** Shows whether paying is paused, what waits, and how much of every ceiling is used. @returns the exit code. */
export async function limits(context: Context, line: Line): Promise<number> {
  return withJournal(context, line, async (journal, { config, site }) => {
    const now = Date.now();
    const policies = readPolicies(context, config.policies.dir);
    const ceilings = standings(await loadLedger(journal, now), config.guardrails, policies, now);
    const [pause, unsettled, history] = [await journal.pause(), await waiting(journal), await journal.pauseHistory(10)];
    if (line.options.json) {
      const shown = { pause: pause ?? null, ...unsettled, ceilings: ceilings.map(asJson), history, journal: site.name };
      context.stdout.write(json(shown));
      return exitCodes.ok;
    }
    const since = pause && new Date(pause.at).toISOString();
    const paying = pause ? plain(`paying is PAUSED since ${since}, by ${pause.who}: ${pause.why}`) : "paying is on";
    context.stdout.write(`${paying}\n`);
    context.stdout.write(
      `${unsettled.waiting} confirmations wait to be signed, ${unsettled.inFlight} are in flight\n\n`,
    );
    context.stdout.write(table(context, ["CEILING", "OF", "USED", "LIMIT", "LEFT", "FREES FROM"], ceilings.map(rowOf)));
    return exitCodes.ok;
  });
}

/** Who looks at the limits may be in trouble already: a wrong policy hides its own ceilings, and no others. */
function readPolicies({ stderr }: Context, folder: string): readonly Policy[] {
  try {
    return loadPolicies(folder).policies;
  } catch (error) {
    stderr.write(`the policies cannot be read, so their ceilings are not shown: ${describeError(error)}\n`);
    return [];
  }
}

async function waiting(journal: Journal): Promise<{ readonly waiting: number; readonly inFlight: number }> {
  const unsettled = await journal.unsettled();
  const count = unsettled.filter(({ state }) => state === "intended").length;
  return { waiting: count, inFlight: unsettled.length - count };
}

const timeOf = (at: number | undefined): string => (at === undefined ? "-" : new Date(at).toISOString());

const asJson = ({ name, scope, used, limit, left, freesAt }: Standing) => ({
  ...{ cap: name, of: scope, used: formatOgpu(used), limit: formatOgpu(limit), left: formatOgpu(left) },
  freesAt: freesAt === undefined ? null : timeOf(freesAt),
});

const rowOf = ({ name, scope, used, limit, left, freesAt }: Standing): readonly string[] => [
  ...[name, scope, formatOgpu(used), formatOgpu(limit), formatOgpu(left)],
  timeOf(freesAt),
];
