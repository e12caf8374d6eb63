import { flagOf, settings } from "../config/schema.ts";
import { exitCodes } from "../errors.ts";
import type { Command, Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import { optionNamed } from "./commandOptions.ts";
import { commands } from "./commands.ts";
import type { Context } from "./context.ts";

const common = ["--config", "--network", "--help"];

/** Prints a completion script for a shell. @returns the exit code. */
export async function completion(context: Context, { args }: Line): Promise<number> {
  const [shell = ""] = args;
  const write = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined;
  if (!write) throw usage('write "completion bash", "completion zsh" or "completion fish"');
  context.stdout.write(write());
  return exitCodes.ok;
}

const keys = (): readonly string[] => settings().map(({ key }) => `--${flagOf(key)}`);
const actionsOf = ({ actions = {} }: Command): readonly string[] => Object.keys(actions);
const optionsOf = ({ options = [], needsNoConfig }: Command): readonly string[] => [
  ...options.map((name) => `--${name}`),
  ...(needsNoConfig ? ["--help"] : common),
];

const scripts = {
  bash: () => `# bash completion for ogpu-confirmd: eval "$(ogpu-confirmd completion bash)"
_ogpu_confirmd() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${[...commands.map(({ name }) => name), "help", "--version", "--help"].join(" ")}"
  else
    case "$command" in
${commands.map((command) => `      ${command.name}) words="${optionsOf(command).join(" ")}"; [ "$COMP_CWORD" -eq 2 ] && words="$words ${actionsOf(command).join(" ")}" ;;`).join("\n")}
      help) words="${commands.map(({ name }) => name).join(" ")}" ;;
    esac
    case "$word" in --*-*) words="$words ${keys().join(" ")}" ;; esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$word"))
}
complete -F _ogpu_confirmd ogpu-confirmd
`,
  zsh: () => `#compdef ogpu-confirmd
# zsh completion for ogpu-confirmd: eval "$(ogpu-confirmd completion zsh)"
_ogpu_confirmd() {
  local -a words
  if (( CURRENT == 2 )); then
    words=(${commands.map(({ name, summary }) => quoted(`${name}:${summary}`)).join(" ")})
    _describe command words
    return
  fi
  case "\${(Q)\${(z)BUFFER}[2]}" in
${commands.map((command) => `    ${command.name}) words=(${described(command).map(quoted).join(" ")}) ;;`).join("\n")}
  esac
  _describe option words || _files
}
compdef _ogpu_confirmd ogpu-confirmd
`,
  fish: () => `# fish completion for ogpu-confirmd: ogpu-confirmd completion fish | source
complete -c ogpu-confirmd -n __fish_use_subcommand -f
${commands.map(({ name, summary }) => `complete -c ogpu-confirmd -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`).join("\n")}
complete -c ogpu-confirmd -l help -d 'this text'
complete -c ogpu-confirmd -l config -r -d 'the YAML file of the operator'
complete -c ogpu-confirmd -l network -x -a 'mainnet testnet devnet'
${commands.flatMap(fishLines).join("\n")}
`,
};

const described = (command: Command): readonly string[] => [
  ...Object.entries(command.actions ?? {}).map(([name, text]) => `${name}:${text}`),
  ...(command.options ?? []).map((name) => `--${name}:${optionNamed(name).doc}`),
  ...(command.needsNoConfig ? [] : ["--config:the YAML file of the operator", "--network:mainnet, testnet or devnet"]),
];

function fishLines(command: Command): readonly string[] {
  const when = `complete -c ogpu-confirmd -n '__fish_seen_subcommand_from ${command.name}'`;
  return [
    ...Object.entries(command.actions ?? {}).map(([name, text]) => `${when} -f -a ${name} -d ${quoted(text)}`),
    ...(command.options ?? []).map((name) => {
      const { type, doc } = optionNamed(name);
      return `${when} -l ${name}${type === "string" ? " -r" : ""} -d ${quoted(doc)}`;
    }),
  ];
}

/** For a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
