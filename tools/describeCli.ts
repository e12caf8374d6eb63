import { commands } from "../src/cli/commands.ts";
import { commandHelp, helpText } from "../src/cli/helpText.ts";

const preface = `# Command line

What \`ogpu-confirmd --help\` and \`ogpu-confirmd COMMAND --help\` say, word for word. Beyond that:

- **Output.** Results go to standard output, questions, warnings and progress to standard error. On a terminal there are
  aligned tables and colours (not with \`NO_COLOR\`); elsewhere a table is one line each with tabs between, for \`cut\` and
  \`awk\`. \`--json\` prints JSON; amounts carry their unit, times are ISO 8601, addresses are checksummed.
- **Money.** Before a transaction the command shows what it would do and asks; \`--yes\` answers for you, and where nobody can
  be asked it is needed. Everything that can be checked is checked before anything is signed. With \`--dry-run\`, or where
  the configuration has \`sink.dryRun\`, what it would do is all: nothing is sent, also with \`--yes\`, and the exit code is 1.
- **Amounts** are text with a unit: \`"0.05 OGPU"\`, \`"30 gwei"\`, \`"1 wei"\`. **Addresses** with capitals must have the right
  checksum; the error says how it would be written.
- **Keys.** A running daemon is the only writer of its key: commands that send refuse that key (\`KEY_IN_USE\`), as they refuse one
  of which a stopped daemon has left something in flight. That is looked at before the question and after
  the answer, and while they send no daemon takes their key. \`nonce fix\` works beside a daemon, and leaves alone what it
  has signed.
- **Errors** are one line, \`error CODE: what happened — what to do\`, and an exit code. A command that nobody listens to any more
  (\`… | head -1\`) goes on, and ends with the exit code of its work. An argument more than a command takes, or an option that its action
  does not take, is refused before anything is asked or sent. Ctrl-C or Ctrl-D at a question is a no.
- **Completion.** bash: \`eval "$(ogpu-confirmd completion bash)"\`; zsh: \`eval "$(ogpu-confirmd completion zsh)"\`; fish:
  \`ogpu-confirmd completion fish | source\`.
`;

/** `docs/cli.md`, from the commands' own help. */
export const describeCli = (): string =>
  [preface, block("ogpu-confirmd", helpText()), ...commands.map((each) => block(each.name, commandHelp(each)))].join(
    "\n",
  );

const block = (title: string, text: string): string => `## ${title}\n\n\`\`\`text\n${text}\`\`\`\n`;
