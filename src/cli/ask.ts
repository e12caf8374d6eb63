import type { Config } from "../config/schema.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";

/**
 * Asks before money moves, unless `--yes` was given.
 * @param plan What would happen, in full, each on a line of its own.
 * @param otherwise What to say where the answer is no.
 * @returns whether it may.
 * @throws ConfigError `USAGE` where there is nobody to ask.
 */
export async function mayGoOn(
  context: Context,
  { options }: Pick<Line, "options">,
  plan: string,
  otherwise = "nothing was sent",
): Promise<boolean> {
  context.stderr.write(plan);
  if (options.yes) return true;
  if (!context.ask) throw usage("nobody can be asked here, so this needs --yes");
  const answer = (await context.ask("Go on? [y/N] ")).trim().toLowerCase();
  if (answer === "y" || answer === "yes") return true;
  context.stderr.write(`${otherwise}\n`);
  return false;
}

/**
 * The same, where a transaction would be signed: in a dry run the plan is told, nobody is asked, and the answer is no.
 * @throws as `mayGoOn`.
 */
export async function maySend(
  context: Context,
  line: Pick<Line, "options">,
  { sink }: Pick<Config, "sink">,
  plan: string,
): Promise<boolean> {
  if (!sink.dryRun) return mayGoOn(context, line, plan);
  context.stderr.write(`${plan}dry run (sink.dryRun): nothing was sent; --no-sink-dry-run would send it\n`);
  return false;
}
