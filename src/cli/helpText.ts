import { styleText } from "node:util";
import type { Command } from "./command.ts";
import { type OptionName, optionNamed } from "./commandOptions.ts";
import { commands } from "./commands.ts";

type Row = readonly [left: string, right: string];

const program = "ogpu-confirmd";

/** Every command has these. */
const commonOptions: readonly Row[] = [
  ["-c, --config FILE", "the operator's YAML file"],
  ["--network NAME", "mainnet, testnet or devnet"],
  ["--KEY VALUE", "any key of the configuration, such as --rpc-http URL or --sink-dry-run"],
];
const help: Row = ["-h, --help", "this text; after a command, its own"];

/** What a code means for whoever called; the same for every command. */
const exitCodeRows: readonly Row[] = [
  ["0", "done"],
  ["1", "it was tried, and failed: a test, a transaction, a question that was answered with no"],
  ["70", "internal error"],
  ["75", "temporary: an endpoint, or a journal that another process holds; try again"],
  ["78", "something to correct: the command line, the configuration, a policy, an address or an amount"],
];

/** The program's help. @param inColour On a terminal. */
export function helpText(inColour = false): string {
  const title = titles(inColour);
  return `${program} — the auto-confirm watcher daemon for the OpenGPU network

${title("Usage:")} ${program} COMMAND [ARGUMENTS] [OPTIONS]

${title("Commands:")}
${table(commands.map(({ name, summary }) => [name, summary]))}

${title("Options:")}
${table([...commonOptions, help, ["-v, --version", "the version"]])}

Configuration: file < environment (OGPU_…) < flag; docs/configuration.md lists every key.
The key comes from AGENT_PRIVATE_KEY, CLIENT_PRIVATE_KEY or a file (signer.keyFile), never from a flag.

${title("Examples:")}
${examples(commands.map((command) => command.examples[0]).filter((example) => example !== undefined))}

${title("Exit codes:")}
${table(exitCodeRows)}

${program} COMMAND --help tells more, with examples.
`;
}

/** One command's help. */
export function commandHelp(command: Command, inColour = false): string {
  const title = titles(inColour);
  const { name, summary, about, usage, actions, args, options = [], needsNoConfig } = command;
  const section = (heading: string, rows: readonly Row[]) =>
    rows.length === 0 ? [] : [`${title(`${heading}:`)}\n${table(rows)}`];
  return `${[
    `${program} ${name} — ${summary}`,
    `${title("Usage:")}\n${usage.map((line) => `  ${program} ${line}`).join("\n")}`,
    about,
    ...section("Actions", Object.entries(actions ?? {})),
    ...section("Arguments", Object.entries(args ?? {})),
    ...section("Options", [...options.map(optionRow), ...(needsNoConfig ? [] : commonOptions), help]),
    `${title("Examples:")}\n${examples(command.examples)}`,
    ...section("Exit codes", exitCodeRows),
  ].join("\n\n")}\n`;
}

const titles = (inColour: boolean) => (text: string) =>
  inColour ? styleText("bold", text, { validateStream: false }) : text;

function optionRow(name: OptionName): Row {
  const { value, doc } = optionNamed(name);
  return [`--${name}${value ? ` ${value}` : ""}`, doc];
}

function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

const examples = (rows: Command["examples"]): string =>
  rows.map(([shows, line]) => `  # ${shows}\n  ${program} ${line}`).join("\n");
