import { parseArgs } from "node:util";
import type { Flags } from "../config/textLayers.ts";
import { configFlags } from "../config/textLayers.ts";
import { ConfigError } from "../errors.ts";

export const commands = {
  run: "watch, judge and confirm until it is told to stop",
  check: "validate the configuration and the policies, and probe the endpoint; needs no key, writes nothing",
} as const;

export type Command = keyof typeof commands;

export type CommandLine =
  | { readonly command: Command; readonly file: string | undefined; readonly flags: Flags }
  | { readonly command: "help" | "version" };

/**
 * Reads the command line, without the program's name.
 * @throws ConfigError `USAGE` for an unknown command or option.
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { values, positionals } = parse(argv);
  const { help, version, config: file, ...flags } = values;
  const [command = "help", ...rest] = positionals;
  if (version) return { command: "version" };
  if (help || command === "help") return { command: "help" };
  if (!(command in commands)) throw usage(`there is no command "${command}"`);
  if (rest.length > 0) throw usage(`"${command}" takes no arguments, but got "${rest.join(" ")}"`);
  return { command: command as Command, file: typeof file === "string" ? file : undefined, flags };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        config: { type: "string", short: "c" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "v" },
        ...configFlags(),
      },
      allowPositionals: true,
      allowNegative: true,
    }) as { values: Record<string, string | boolean | undefined>; positionals: string[] };
  } catch (error) {
    throw usage((error as Error).message);
  }
}

const usage = (message: string): ConfigError =>
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

Exit codes: 0 done, 70 internal error, 75 temporary (try again), 78 configuration or policy error.
`;
