import type { Command } from "../command.ts";

export const limitsCommand: Command = {
  name: "limits",
  summary: "whether paying is paused, what waits, and how much of every ceiling is used",
  about: `Reads the journal, beside a running daemon, and writes nothing. A ceiling counts what was signed in its last hour or day;
docs/guardrails.md tells what each does and how to lift it.`,
  usage: ["limits [--json]"],
  options: ["json"],
  examples: [["see what is left to spend", "limits"]],
  run: async (context, line) => (await import("../limits.ts")).limits(context, line),
};
