import type { Command } from "../command.ts";

export const statusCommand: Command = {
  name: "status",
  summary: "how the daemon, its journal, its key and the chain stand",
  about: `Reads the journal and the chain, beside a running daemon or without one, and writes nothing.`,
  usage: ["status [--json]"],
  options: ["json"],
  examples: [
    ["see whether all is well", "status --network mainnet"],
    ["ask one thing in a script (jq)", "status --json | jq .lag"],
  ],
  run: async (context, line) => (await import("../status.ts")).status(context, line),
};
