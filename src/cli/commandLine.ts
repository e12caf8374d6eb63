import { parseArgs } from "node:util";
import type { Flags } from "../config/textLayers.ts";
import { configFlags } from "../config/textLayers.ts";
import { ConfigError } from "../errors.ts";

export const commands = {
  run: "watch, judge and confirm until it is told to stop",
  check: "validate the configuration and the policies, and probe the endpoint; needs no key, writes nothing",
  policy: "check | test | list | explain | backtest | new: work on policy files, see policies/README.md",
  held: "list | approve ID | reject ID | expire ID --why TEXT: responses that wait for a person",
} as const;

export type Command = keyof typeof commands;

/** Options of single commands; no keys of the configuration. */
const commandOptions = {
  why: { type: "string" },
  who: { type: "string" },
  decision: { type: "string" },
  since: { type: "string" },
  from: { type: "string" },
  to: { type: "string" },
  json: { type: "boolean" },
  html: { type: "string" },
} as const;

export type CommandOptions = {
  readonly [Name in keyof typeof commandOptions]?:
    | ((typeof commandOptions)[Name]["type"] extends "string" ? string : boolean)
    | undefined;
};

export type CommandLine =
  | {
      readonly command: Command;
      readonly file: string | undefined;
      readonly flags: Flags;
      /** What follows the command, for those that take arguments. */
      readonly args: readonly string[];
      readonly options: CommandOptions;
    }
  | { readonly command: "help" | "version" };

/**
 * Reads the command line, without the program's name.
 * @throws ConfigError `USAGE` for an unknown command or option.
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { values, positionals } = parse(argv);
  const { help, version, config: file, ...rest } = values;
  const isOption = ([name]: readonly [string, unknown]) => name in commandOptions;
  const options = Object.fromEntries(Object.entries(rest).filter(isOption)) as CommandOptions;
  const flags = Object.fromEntries(Object.entries(rest).filter((entry) => !isOption(entry)));
  const [command = "help", ...args] = positionals;
  if (version) return { command: "version" };
  if (help || command === "help") return { command: "help" };
  if (!(command in commands)) throw usage(`there is no command "${command}"`);
  const takesArguments = command === "policy" || command === "held";
  if (args.length > 0 && !takesArguments) throw usage(`"${command}" takes no arguments, but got "${args.join(" ")}"`);
  const [stray] = takesArguments ? [] : Object.keys(options);
  if (stray !== undefined) throw usage(`"${command}" has no option --${stray}`);
  return { command: command as Command, file: typeof file === "string" ? file : undefined, flags, args, options };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        config: { type: "string", short: "c" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "v" },
        ...commandOptions,
        ...configFlags(),
      },
      allowPositionals: true,
      allowNegative: true,
    }) as { values: Record<string, string | boolean | undefined>; positionals: string[] };
  } catch (error) {
    throw usage((error as Error).message);
  }
}

export const usage = (message: string): ConfigError =>
  new ConfigError(message, { code: "USAGE", remedy: "see ogpu-confirmd --help" });

export const helpText = `ogpu-confirmd — the auto-confirm watcher daemon for the OpenGPU network

Usage: ogpu-confirmd COMMAND [--config FILE] [--network NAME] [--KEY VALUE …]

Commands:
${Object.entries(commands)
  .map(([name, text]) => `  ${name.padEnd(8)} ${text}`)
  .join("\n")}

Options:
  -c, --config FILE   the operator's YAML file
  --network NAME      mainnet, testnet or devnet
  --KEY VALUE         any key of the configuration, such as --rpc-http URL or --sink-dry-run
  -h, --help          this text
  -v, --version       the version

Configuration: file < environment (OGPU_…) < flag; docs/configuration.md lists every key.
The key comes from AGENT_PRIVATE_KEY, CLIENT_PRIVATE_KEY or a file (signer.keyFile), never from a flag.

Examples:
  ogpu-confirmd check --network mainnet
  ogpu-confirmd run --config /etc/ogpu-confirmd/config.yaml
  ogpu-confirmd run --network testnet --sink-dry-run
  ogpu-confirmd policy test policies/
  ogpu-confirmd held approve 17 --why "read it, it is right"

Exit codes: 0 done, 70 internal error, 75 temporary (try again), 78 configuration or policy error.
`;
