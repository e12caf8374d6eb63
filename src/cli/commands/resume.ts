import type { Command } from "../command.ts";

export const resumeCommand: Command = {
  name: "resume",
  summary: "take up paying again after a pause",
  about: `Ends a pause, whoever began it: a person, or the circuit breaker after too many reverts, which counts anew then. What
waited is paid in the order in which it was approved. SIGUSR2 to the daemon does the same.`,
  usage: ["resume [--why TEXT] [--who NAME]"],
  options: ["why", "who"],
  examples: [["go on", 'resume --why "the prices were right"']],
  run: async (context, line) => (await import("../resume.ts")).resume(context, line),
};
