import type { Flags } from "../config/textLayers.ts";
import type { CommandOptions, OptionName } from "./commandOptions.ts";
import type { Context } from "./context.ts";

/** What a person wrote after the command's name. */
export type Line = {
  /** What follows the command, its action first where it has any. */
  readonly args: readonly string[];
  readonly options: CommandOptions;
  /** The operator's YAML file. */
  readonly file: string | undefined;
  /** Keys of the configuration. */
  readonly flags: Flags;
};

/** A command with all that its help says. */
export type Command = {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What it does, in sentences: how it acts, what it writes, what it asks. */
  readonly about: string;
  /** What follows the program's name, without options that every command has. */
  readonly usage: readonly string[];
  /** Its first argument, where that is a word: what each does. */
  readonly actions?: Readonly<Record<string, string>>;
  /** Its arguments, and what they are. */
  readonly args?: Readonly<Record<string, string>>;
  /** How many it takes, after its action where it has any; for each action that takes one. @default 0 */
  readonly maxArgs?: number | Readonly<Record<string, number>>;
  readonly options?: readonly OptionName[];
  /** Of these, what only some of its actions take: for each action that takes any. What nobody reads is refused. */
  readonly actionOptions?: Readonly<Record<string, readonly OptionName[]>>;
  /** It takes no keys of the configuration. @default false */
  readonly needsNoConfig?: boolean;
  /** It changes what others rest on, and cannot be tried: `--dry-run` is refused. @default false */
  readonly hasNoDryRun?: boolean;
  /** What each shows, and the line itself. */
  readonly examples: readonly (readonly [shows: string, line: string])[];
  /** Loads what it needs when it runs, so that help and completion are quick. @returns the exit code. */
  readonly run: (context: Context, line: Line) => Promise<number>;
};
