import type { Command } from "../command.ts";

export const resumeCommand: Command = {
  name: "resume",
  summary: "take up paying again after a pause",
  about: `Ends a pause, whoever began it: a person, or the circuit breaker after too many reverts, which counts anew then. What
waited is paid in the order in which it was approved; it says how much that is ("withdraw" lists it before). SIGUSR2 to the daemon does the same.
The configuration names the journal, as with pause.`,
  usage: ["resume [--why TEXT] [--who NAME] [--json]"],
  options: ["why", "who", "json"],
  hasNoDryRun: true,
  examples: [["go on", 'resume --why "the prices were right" --config /etc/ogpu-confirmd/config.yaml']],
  run: async (context, line) => (await import("../resume.ts")).resume(context, line),
};
