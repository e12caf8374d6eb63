import type { Command } from "../command.ts";

export const responsesCommand: Command = {
  name: "responses",
  summary: "the responses of a task, with their prices",
  about: `Reads the chain. What providers wrote is shown on one line, shortened, without what a terminal would obey; --json shows
it whole.`,
  usage: ["responses TASK [--json]"],
  args: { TASK: "the address of a task" },
  maxArgs: 1,
  options: ["json"],
  examples: [["see who answered, and for how much", "responses 0x71C7656EC7ab88b098defB751B7401B5f6d8976F"]],
  run: async (context, line) => (await import("../responses.ts")).responses(context, line),
};
