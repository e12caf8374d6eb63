import type { Command } from "../command.ts";

export const cancelCommand: Command = {
  name: "cancel",
  summary: "cancel a task that nobody has attempted",
  about: `Its payment is free again. A task that a provider has attempted cannot be cancelled: it is confirmed, or it expires.`,
  usage: ["cancel TASK [--yes] [--json]"],
  args: { TASK: "the address of a task" },
  maxArgs: 1,
  options: ["yes", "json"],
  examples: [["take a task back", "cancel 0x71C7656EC7ab88b098defB751B7401B5f6d8976F"]],
  run: async (context, line) => (await import("../cancel.ts")).cancel(context, line),
};
