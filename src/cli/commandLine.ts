import { parseArgs } from "node:util";
import { hideKeys } from "../config/format.ts";
import { nearest } from "../config/nearest.ts";
import { configFlags, type Flags } from "../config/textLayers.ts";
import { ConfigError } from "../errors.ts";
import type { Command, Line } from "./command.ts";
import { type CommandOptions, commandOptions, isOptionName, type OptionName, optionNamed } from "./commandOptions.ts";
import { commands } from "./commands.ts";

type CommandLine =
  | (Line & { readonly command: Command })
  /** @param of The command whose help is asked for; the program's without. */
  | { readonly command: "help"; readonly of: Command | undefined }
  | { readonly command: "version" };

/**
 * Reads the command line, without the program's name.
 * @throws ConfigError `USAGE` for an unknown command, action or option, and where arguments are too many.
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { values, positionals } = parse(argv);
  const { help, version, config: file, ...rest } = aliased(values);
  const [name, ...args] = positionals;
  if (version) return { command: "version" };
  if (name === undefined) return { command: "help", of: undefined };
  if (name === "help") return { command: "help", of: askedOf(args) };
  const command = commandNamed(name);
  if (help) return { command: "help", of: command };
  const given = Object.entries(rest);
  const options = Object.fromEntries(given.filter(([option]) => isOptionName(option))) as CommandOptions;
  const flags = Object.fromEntries(given.filter(([option]) => !isOptionName(option))) as Flags;
  if (command.hasNoDryRun && flags["sink-dry-run"]) throw usage(`"${command.name}" has no dry run: nothing was done`);
  checkLine(command, args, [...Object.keys(options), ...(command.needsNoConfig ? Object.keys(flags) : [])]);
  return { command, file: typeof file === "string" ? file : undefined, flags, args, options };
}

function commandNamed(name: string): Command {
  const command = commands.find((each) => each.name === name);
  if (command) return command;
  const known = commands.map((each) => each.name);
  throw usage(`there is no command "${name}"${didYouMean(name, known)}`);
}

/** The command whose help is asked for, perhaps by one of its actions: its help tells of all of them. */
function askedOf(args: readonly string[]): Command | undefined {
  const [name, action] = args;
  if (name === undefined) return undefined;
  const command = commandNamed(name);
  checkAction(command, action);
  refuseExtra({ name: "help", maxArgs: command.actions ? 2 : 1 }, args);
  return command;
}

function checkLine(command: Command, args: readonly string[], given: string[]) {
  const { name, options = [] } = command;
  checkAction(command, args[0]);
  refuseExtra(command, args);
  const stray = given.find((option) => !options.some((known) => known === option));
  if (stray !== undefined) throw usage(`"${name}" has no option --${stray}`);
  const elsewhere = given.find((option) => isForOtherAction(command, args[0], option));
  if (elsewhere !== undefined) throw usage(`"${[name, ...args.slice(0, 1)].join(" ")}" has no option --${elsewhere}`);
}

function isForOtherAction({ actionOptions = {} }: Command, action: string | undefined, option: string): boolean {
  const takenBy = Object.entries(actionOptions).filter(([, options]) => options.some((each) => each === option));
  return takenBy.length > 0 && !takenBy.some(([each]) => each === action);
}

function checkAction({ name, actions }: Command, action: string | undefined) {
  if (!actions || action === undefined || Object.hasOwn(actions, action)) return;
  const known = Object.keys(actions);
  throw usage(`there is no "${name} ${action}"${didYouMean(action, known)} (known are ${known.join(", ")})`);
}

type Taking = Pick<Command, "name" | "actions" | "maxArgs">;

/** What nobody reads is refused: whoever wrote two addresses would take both for done. */
function refuseExtra({ name, actions, maxArgs = 0 }: Taking, args: readonly string[]) {
  const [action] = args;
  const [called, rest] = actions && action !== undefined ? [`${name} ${action}`, args.slice(1)] : [name, args];
  const most = typeof maxArgs === "number" ? maxArgs : (maxArgs[action ?? ""] ?? 0);
  if (rest.length <= most) return;
  const takes = most === 0 ? "no arguments" : most === 1 ? "one argument" : `${most} arguments at the most`;
  throw usage(`"${called}" takes ${takes}, but got "${rest.slice(most).join(" ")}"${most === 0 ? "" : " as well"}`);
}

const didYouMean = (word: string, known: readonly string[]): string => {
  const near = nearest(word, known);
  return near === undefined ? "" : `; did you mean "${near}"?`;
};

/** Switches that people expect under a shorter name. */
const aliases: Readonly<Record<string, string>> = { "dry-run": "sink-dry-run" };

const aliased = <T>(values: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [aliases[name] ?? name, value]));

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        config: { type: "string", short: "c" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "v" },
        ...Object.fromEntries((Object.keys(commandOptions) as OptionName[]).map((name) => [name, parsedAs(name)])),
        ...configFlags(),
        ...Object.fromEntries(Object.keys(aliases).map((name) => [name, { type: "boolean" as const }])),
      },
      allowPositionals: true,
      allowNegative: true,
    }) as { values: Record<string, string | boolean | readonly string[] | undefined>; positionals: string[] };
  } catch (error) {
    throw usage(whyUnread((error as Error).message));
  }
}

/** Node's words, on one line; of an option that nobody knows, with the one that was probably meant. */
function whyUnread(message: string): string {
  const [unknown, name = ""] = /^Unknown option '--([^']+)'/.exec(message) ?? [];
  if (unknown === undefined) return message.replaceAll("\n", " ");
  const known = ["config", "help", "version", ...[commandOptions, configFlags(), aliases].flatMap(Object.keys)];
  const near = nearest(name, known);
  return near === undefined ? unknown : `${unknown}; did you mean --${near}?`;
}

function parsedAs(name: OptionName) {
  const { type, multiple = false } = optionNamed(name);
  return { type, multiple };
}

/** The command line is wrong. */
export const usage = (message: string): ConfigError =>
  new ConfigError(hideKeys(message), { code: "USAGE", remedy: "see ogpu-confirmd --help" });
