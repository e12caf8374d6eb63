import type { Command } from "../command.ts";

export const tasksCommand: Command = {
  name: "tasks",
  summary: "tasks that the daemon looks after, or those of a source",
  about: `Without a source it lists the open tasks in the journal, and what the daemon makes of each. With one it lists that
source's tasks from the chain, the newest first.`,
  usage: ["tasks [SOURCE] [--limit N] [--json]"],
  args: { SOURCE: "the address of a source" },
  maxArgs: 1,
  options: ["limit", "json"],
  examples: [
    ["see what the daemon works on", "tasks"],
    ["see the newest ten tasks of a source", "tasks 0x71C7656EC7ab88b098defB751B7401B5f6d8976F --limit 10"],
  ],
  run: async (context, line) => (await import("../tasks.ts")).tasks(context, line),
};
