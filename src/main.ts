#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { check } from "./cli/check.ts";
import { helpText, parseCommandLine } from "./cli/commandLine.ts";
import { type Context, failureText } from "./cli/context.ts";
import { held } from "./cli/held.ts";
import { policy } from "./cli/policy.ts";
import { run } from "./cli/run.ts";
import { BaseError, exitCodes } from "./errors.ts";
import { createScrubber } from "./ops/scrub.ts";

const keys = [process.env.AGENT_PRIVATE_KEY, process.env.CLIENT_PRIVATE_KEY].filter((key) => key !== undefined);
const scrub = createScrubber(keys);

const context: Context = {
  env: process.env,
  cwd: process.cwd(),
  stdout: { write: (text) => process.stdout.write(scrub(text)) },
  stderr: { write: (text) => process.stderr.write(scrub(text)) },
  isTTY: process.stdout.isTTY === true,
  onStopSignal: (handler) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, handler);
  },
  onReloadSignal: (handler) => void process.on("SIGHUP", handler),
};

const version = (): string =>
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version as string;

async function main(): Promise<number> {
  const line = parseCommandLine(process.argv.slice(2));
  switch (line.command) {
    case "help":
      process.stdout.write(helpText);
      return exitCodes.ok;
    case "version":
      process.stdout.write(`${version()}\n`);
      return exitCodes.ok;
    case "check":
      return check(context, line.file, line.flags);
    case "run":
      return run(context, line.file, line.flags);
    case "policy":
      return policy(context, line);
    case "held":
      return held(context, line);
  }
}

try {
  process.exit(await main());
} catch (error) {
  context.stderr.write(failureText(error));
  process.exit(error instanceof BaseError ? error.exitCode : exitCodes.software);
}
