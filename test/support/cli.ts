import { parseCommandLine } from "../../src/cli/commandLine.ts";
import { type Context, failureText } from "../../src/cli/context.ts";
import { commandHelp, helpText } from "../../src/cli/helpText.ts";
import { scrubOutputs } from "../../src/cli/scrubOutputs.ts";
import { BaseError, exitCodes } from "../../src/errors.ts";

export type CliOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard output and errors are a terminal. @default false */
  readonly isTTY?: boolean;
  /** What the person at the terminal answers, one after the other, or does before that; without it there is nobody. */
  readonly answers?: readonly (string | (() => Promise<string>))[];
};

export type Transcript = {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What was asked. */
  readonly asked: readonly string[];
};

/** Runs a command line in this process, as `src/main.ts` does. */
export async function cli(argv: readonly string[], options: CliOptions = {}): Promise<Transcript> {
  const { isTTY = false, answers } = options;
  const left = [...(answers ?? [])];
  const asked: string[] = [];
  let [out, err] = ["", ""];
  const context: Context = {
    env: { ...options.env },
    cwd: options.cwd ?? "/",
    ...scrubOutputs({ stdout: { write: (text) => (out += text) }, stderr: { write: (text) => (err += text) } }, []),
    nodeVersion: process.version,
    isTTY,
    errorsOnTTY: isTTY,
    ...(answers && {
      ask: async (question) => {
        asked.push(question);
        const answer = left.shift() ?? "";
        return typeof answer === "string" ? answer : answer();
      },
    }),
    onStopSignal: () => undefined,
  };
  try {
    const line = parseCommandLine(argv);
    if (line.command === "help") out += line.of ? commandHelp(line.of, isTTY) : helpText(isTTY);
    if (line.command === "help" || line.command === "version") return { code: 0, out, err, asked };
    return { code: await line.command.run(context, line), out, err, asked };
  } catch (error) {
    context.stderr.write(failureText(error));
    return { code: error instanceof BaseError ? error.exitCode : exitCodes.software, out, err, asked };
  }
}
