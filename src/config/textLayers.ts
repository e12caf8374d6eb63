import type { Entry, Environment, Issue, Layer } from "./layer.ts";
import { nearest } from "./nearest.ts";
import { flagOf, settings, variableOf } from "./schema.ts";
import { unknownKey } from "./unknownKey.ts";

/** Command-line flags by name without dashes, as `node:util`'s `parseArgs` gives them with `configFlags()`. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** Read by the daemon, and no key of the configuration. */
const otherVariables = ["OGPU_CONFIG", "OGPU_JOURNAL_PASSWORD"];

/**
 * The `OGPU_…` variables. An empty one counts as not set.
 * @param dotenvKeys those that came from a `.env` file.
 */
export function environmentLayer(
  env: Environment,
  dotenvKeys: ReadonlySet<string>,
): Layer & { readonly warnings: readonly string[] } {
  const byVariable = new Map(settings().map((named) => [variableOf(named.key), named]));
  const entries: Entry[] = [];
  const issues: Issue[] = [];
  const warnings: string[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith("OGPU_") || text === undefined || text === "") continue;
    const named = byVariable.get(variable);
    const origin = dotenvKeys.has(variable) ? ".env" : "environment";
    if (named) {
      const value = named.setting.reads.fromText?.(text) ?? text;
      entries.push({ key: named.key, value, origin: `${origin} ${variable}` });
    } else if (!otherVariables.includes(variable)) {
      const near = nearest(variable, [...byVariable.keys()]) ?? withoutGroup(variable, [...byVariable.keys()]);
      if (near === undefined) warnings.push(`${variable} (${origin}) is no setting of the daemon; it is ignored`);
      else issues.push({ key: variable, origin, problem: `is not a known variable; did you mean ${near}?` });
    }
  }
  return { entries, issues, warnings };
}

/** `OGPU_DRY_RUN` → `OGPU_SINK_DRY_RUN`: whoever leaves out the group means it. One word may be another program's. */
const withoutGroup = (variable: string, known: readonly string[]): string | undefined =>
  variable.split("_").length < 3 ? undefined : known.find((name) => name.endsWith(variable.slice("OGPU".length)));

/** The command line's flags. */
export function flagLayer(flags: Flags): Layer {
  const byFlag = new Map(settings().map((named) => [flagOf(named.key), named]));
  const entries: Entry[] = [];
  const issues: Issue[] = [];
  for (const [flag, given] of Object.entries(flags)) {
    if (given === undefined) continue;
    const named = byFlag.get(flag);
    if (!named) issues.push({ key: flag, origin: `--${flag}`, problem: unknownKey(flag, [...byFlag.keys()]) });
    else {
      const value = typeof given === "string" ? (named.setting.reads.fromText?.(given) ?? given) : given;
      entries.push({ key: named.key, value, origin: `--${flag}` });
    }
  }
  return { entries, issues };
}

/** Every key as an option of `node:util`'s `parseArgs` (with `allowNegative` for the switches). */
export const configFlags = (): Readonly<Record<string, { readonly type: "string" | "boolean" }>> =>
  Object.fromEntries(
    settings().map(({ key, setting }) => [
      flagOf(key),
      { type: typeof setting.default === "boolean" ? "boolean" : "string" } as const,
    ]),
  );
