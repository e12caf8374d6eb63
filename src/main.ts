#!/usr/bin/env -S node --min-semi-space-size=8 --max-semi-space-size=8 --max-old-space-size=512 --heap-growing-percent=60 --memory-saver-mode
import { spawn } from "node:child_process";
import { once } from "node:events";
import { parseCommandLine } from "./cli/commandLine.ts";
import { type Context, failureText } from "./cli/context.ts";
import { guardOutputs } from "./cli/guardOutputs.ts";
import { commandHelp, helpText } from "./cli/helpText.ts";
import { askAt } from "./cli/question.ts";
import { scrubOutputs } from "./cli/scrubOutputs.ts";
import { BaseError, exitCodes } from "./errors.ts";
import { leaveThreadsTheirLimits } from "./threadLimits.ts";
import { readVersion } from "./version.ts";

leaveThreadsTheirLimits();
const keys = [process.env.AGENT_PRIVATE_KEY, process.env.CLIENT_PRIVATE_KEY].filter((key) => key !== undefined);

// From the first moment on: where nobody listens to SIGUSR1, Node opens a debugger, in a process that holds a key.
type PayAction = "pause" | "resume";
const early: PayAction[] = [];
let onPayAction = (action: PayAction): unknown => early.push(action);
process.on("SIGUSR1", () => void onPayAction("pause"));
process.on("SIGUSR2", () => void onPayAction("resume"));
const requireOutput = guardOutputs(process.stdout, process.stderr);

const context: Context = {
  env: process.env,
  cwd: process.cwd(),
  ...scrubOutputs(process, keys),
  nodeVersion: process.version,
  isTTY: process.stdout.isTTY === true,
  errorsOnTTY: process.stderr.isTTY === true,
  ...(process.stdin.isTTY && { ask: (question) => askAt(process.stdin, process.stderr, question) }),
  runScript: async (path, args) => {
    const child = spawn(process.execPath, [path, ...args], { stdio: "inherit" });
    const [code] = await once(child, "exit");
    return typeof code === "number" ? code : exitCodes.failed;
  },
  onStopSignal: (handler) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, handler);
  },
  onPaySignal: (handler) => {
    onPayAction = handler;
    for (const action of early.splice(0)) handler(action);
  },
  onUncaught: (handler) => {
    onUncaught = handler;
  },
  onReloadSignal: (handler) => void process.on("SIGHUP", handler),
  monotonicMicros: () => process.hrtime.bigint() / 1_000n,
};

// Node would print it as it stands, and it may hold a key.
let onUncaught = (error: unknown): void => {
  context.stderr.write(failureText(error));
  process.exit(exitCodes.software);
};
process.on("uncaughtException", (error) => onUncaught(error));

async function main(): Promise<number> {
  const line = parseCommandLine(process.argv.slice(2));
  switch (line.command) {
    case "help":
      context.stdout.write(line.of ? commandHelp(line.of, context.isTTY) : helpText(context.isTTY));
      return exitCodes.ok;
    case "version":
      context.stdout.write(`${readVersion()}\n`);
      return exitCodes.ok;
    default: {
      const code = await line.command.run(context, line);
      // The daemon's output is its log: a line that was lost weeks ago says nothing of how it ended.
      if (code === exitCodes.ok && line.command.name !== "run") await requireOutput();
      return code;
    }
  }
}

try {
  process.exit(await main());
} catch (error) {
  context.stderr.write(failureText(error));
  process.exit(error instanceof BaseError ? error.exitCode : exitCodes.software);
}
